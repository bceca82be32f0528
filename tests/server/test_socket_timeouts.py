"""Sockets are found in a chroot that has neither ``/dev/fd`` nor ``/proc``."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from anchorhold_server import socket_timeouts


@pytest.mark.skipif(socket_timeouts.OPTION is None, reason="this system does not end connections by itself")
@pytest.mark.parametrize("listings", [(), (Path("/nowhere"),), (Path("/nowhere"), Path("/proc/self/fd"))])
def test_connections_are_bounded_without_a_list_of_descriptors(
    listings: tuple[Path, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_timeouts, "LISTINGS", listings)
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert socket_timeouts.limit_stalled_connections(7)
        assert socket_timeouts.OPTION is not None
        assert server.getsockopt(socket.IPPROTO_TCP, socket_timeouts.OPTION) == 7000
