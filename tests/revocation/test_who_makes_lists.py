"""Who may make lists, and who sees it: wrappers, and certificates that are not for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from anchorhold import errors, open_installation
from anchorhold.errors import RefusedError
from anchorhold.plugin import WRAPPERS_GROUP, hookimpl
from plugin.fake_backends import Recorder, offer, settings_file
from revocation.crl_steps import leaf, legacy, made_by, serial_of

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold.installation import Installation
    from anchorhold.plugin import Signer, SignRequest
    from conftest import MakeCsr


class Watching(Recorder):
    """Remembers what was signed for what, and refuses lists when told to."""

    seen: ClassVar[list[tuple[str, str, bytes, object]]] = []
    refusing: ClassVar[list[bool]] = [False]

    @hookimpl(wrapper=True)
    def sign(self, request: SignRequest, signer: Signer) -> Any:
        self.seen.append((request.purpose, request.ca.name, request.message, request.draft))
        if self.refusing[0] and request.purpose == "crl":
            raise RefusedError("policy: no lists today", hint="ask somebody else")
        return (yield)


@pytest.fixture
def watched(database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Installation:
    """An installation with that wrapper."""
    assert database
    monkeypatch.setattr(Watching, "seen", [])
    monkeypatch.setattr(Watching, "refusing", [False])
    offer(monkeypatch, tmp_path / "site", WRAPPERS_GROUP, {"watching": f"{__name__}:Watching"})
    settings_file(tmp_path, monkeypatch, "[wrappers.watching]\n")
    return open_installation()


def test_wrappers_see_each_list_with_its_purpose(watched: Installation, make_csr: MakeCsr) -> None:
    with watched as installation:
        installation.authorities.create("Root", "CN=Root")
        installation.revocations.revoke(serial_of(leaf(installation, "Root", make_csr())))
        Watching.seen.clear()
        (crl,) = made_by(installation, "Root")
        assert Watching.seen == [("crl", "Root", crl.tbs_certlist_bytes, None)]


def test_a_wrapper_that_refuses_a_list_leaves_the_one_before_it(watched: Installation) -> None:
    with watched as installation:
        installation.authorities.create("Root", "CN=Root")
        made_by(installation, "Root")
        Watching.refusing[0] = True
        with pytest.raises(RefusedError):
            made_by(installation, "Root")
        last = installation.crls.latest("Root")
        assert last is not None
        assert last.number == 1


@pytest.mark.parametrize(("usage", "allowed"), [(None, True), (True, True), (False, False)])
def test_an_authority_whose_certificate_is_not_for_lists_makes_none(
    usage: bool | None, allowed: bool, installation: Installation
) -> None:
    """Nobody would accept them (RFC 5280, section 4.2.1.3)."""
    certificate, key = legacy(crl_sign=usage)
    installation.authorities.import_("Legacy", certificate, key)
    if allowed:
        assert made_by(installation, "Legacy")[0].is_signature_valid(key.public_key())
    else:
        with pytest.raises(errors.CertificateInvalidError, match="cRLSign"):
            made_by(installation, "Legacy")
        assert installation.crls.latest("Legacy") is None
