"""Two processes of one ledger; see `away`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from anchorhold.installation import open_installation
from anchorhold.plugin import BACKENDS_GROUP, WRAPPERS_GROUP
from plugin.fake_backends import MemoryBackend, offer, settings_file
from signing_worker.away import AwaySigner, Peers, Watching

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SETTINGS = '[key_backends.default]\nbackend = "{0}"\n[ocsp_key_backends.default]\nbackend = "{0}"\n'


@pytest.fixture
def peers(database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Peers]:
    """The worker with the authority ``Root``; settings that are read later are those of the other process."""
    monkeypatch.setattr(MemoryBackend, "keys", {})
    offers = {"near": "signing_worker.away:NearBackend", "away": "signing_worker.away:AwayBackend"}
    offer(monkeypatch, tmp_path / "site", BACKENDS_GROUP, offers)
    wrappers = {"watching": "signing_worker.away:Watching"}
    offer(monkeypatch, tmp_path / "wraps", WRAPPERS_GROUP, wrappers, distribution="acme-w")
    settings_file(tmp_path, monkeypatch, SETTINGS.format("near") + "[wrappers.watching]\n")
    with open_installation() as worker:
        worker.authorities.create("Root", "CN=Root")
        settings_file(tmp_path, monkeypatch, SETTINGS.format("away"))
        peers = Peers(worker)
        monkeypatch.setattr(AwaySigner, "worker", lambda _, wanted: peers.sign(wanted))
        monkeypatch.setattr(Watching, "seen", [])
        yield peers
