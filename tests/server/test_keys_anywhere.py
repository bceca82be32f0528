"""Keys of responders are files, in tokens or in rows of a database; quick or slow; nobody is present."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from anchorhold.installation import open_installation
from anchorhold.ledger import IssuancePolicy
from backend_pairs.places import PLACES
from server.serving import HOSTNAME, House, running, signed

if TYPE_CHECKING:
    from pathlib import Path

    from hsm.softhsm import SoftHsm


pytestmark = pytest.mark.databases("sqlite", because="it is about keys, not about the ledger")


@pytest.mark.parametrize("place", PLACES)
def test_every_worker_answers_with_keys_in_any_place(
    places: SoftHsm, database: str, tmp_path: Path, place: str
) -> None:
    issuing = IssuancePolicy(hostname=HOSTNAME, ocsp_key_backend=place)
    with open_installation() as installation:
        authority = installation.authorities.create("root", "CN=Root", key_backend="files", issuing=issuing)
        installation.responders.renew(authority)
        list(installation.crls.generate(authority))
        house = House(authority, signed(installation, authority))
    with running(tmp_path, "--workers", "2") as server:
        askers = [server.another_client() for _ in range(6)]
        for number, asker in enumerate(askers):
            assert server.status(house.request(nonce=bytes([number]) * 32), asker) == "GOOD"
        house.revoke()
        assert [server.status(house.request(), asker) for asker in askers] == ["REVOKED"] * 6
        house.renew_responder()
        assert server.status(house.request(nonce=b"n" * 32)) == "REVOKED"
        assert server.ready()[0] == 200
        assert f'anchorhold_signatures_total{{backend="{place}",ca="root"}}' in server.client.get("/metrics").text
