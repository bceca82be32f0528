"""Keys of responders are files, in tokens or in rows of a database; quick or slow; nobody is present."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from across.places import PLACES
from anchorhold.ledger import IssuingDefaults
from server.serving import HOSTNAME, House, running, signed

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold.installation import Installation
    from hsm.softhsm import SoftHsm


@pytest.mark.parametrize("place", PLACES)
def test_every_worker_answers_with_keys_in_any_place(
    places: SoftHsm, installation: Installation, tmp_path: Path, place: str
) -> None:
    issuing = IssuingDefaults(hostname=HOSTNAME, ocsp_key_backend=place)
    authority = installation.create_authority("root", "CN=Root", key_backend="files", issuing=issuing)
    installation.renew_responder(authority)
    list(installation.generate_crls(authority))
    house = House(installation, authority, signed(installation, authority))
    with running(tmp_path, "--workers", "2") as server:
        askers = [server.another_client() for _ in range(6)]
        for number, asker in enumerate(askers):
            assert server.status(house.request(nonce=bytes([number]) * 32), asker) == "GOOD"
        installation.revoke(house.serial)
        assert [server.status(house.request(), asker) for asker in askers] == ["REVOKED"] * 6
        installation.renew_responder(authority)
        assert server.status(house.request(nonce=b"n" * 32)) == "REVOKED"
        assert server.ready()[0] == 200
        assert f'anchorhold_signatures_total{{backend="{place}",ca="root"}}' in server.client.get("/metrics").text


@pytest.mark.databases("sqlite", because="it is about keys, not about the ledger")
def test_slow_keys_do_not_keep_other_requests_waiting(house: House, slow_signing: None, tmp_path: Path) -> None:
    with running(tmp_path) as server:
        slow = threading.Thread(target=server.status, args=(house.request(),))
        slow.start()
        time.sleep(0.2)
        begun = time.monotonic()
        assert server.client.get("/healthz").status_code == 200
        assert server.status(house.request_by_number(5, issuer_key=bytes(20))) == "UNAUTHORIZED"
        assert slow.is_alive()
        assert time.monotonic() - begun < 1
        slow.join()
