"""What a token says of the keys in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorhold import pkcs8, software_keys
from anchorhold.algorithms import key_spec
from anchorhold.plugin import ImportKeyRequest, KeyRequest
from anchorhold.public_keys import spki
from hsm.softhsm import CA

if TYPE_CHECKING:
    from hsm.softhsm import Bench


def test_a_token_lists_its_keys_with_ids_and_public_halves(bench: Bench) -> None:
    assert bench.backend.list_keys(bench.secrets) == ()
    created = bench.create(key_spec("EC"))
    (listed,) = bench.backend.list_keys(bench.secrets)
    assert listed.key_id is not None
    assert listed.key_id.hex() == created.handle.data["id"]
    assert listed.public_key is not None
    assert spki(listed.public_key) == spki(created.public_key)
    assert "token 'one'" in listed.name


def test_a_token_knows_which_keys_it_has_made_and_which_may_leave(bench: Bench) -> None:
    made = bench.create(key_spec("EC"))
    key = software_keys.generate(key_spec("EC"))
    request = ImportKeyRequest(key_id=b"\x07" * 20, pkcs8=pkcs8.dump_pkcs8(key), ca=CA, options={"key-label": "other"})
    brought = bench.backend.import_key(request, bench.secrets)
    described = [
        bench.backend.describe_key(KeyRequest(handle=found.handle, public_key=found.public_key, ca=CA), bench.secrets)
        for found in (made, brought)
    ]
    assert [found.made for found in described] == ["here", "elsewhere"]
    assert [found.can_leave for found in described] == [False, False]
