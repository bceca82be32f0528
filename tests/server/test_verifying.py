"""Signatures are verified before they leave, and a key that goes wrong is found out."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING

import pytest

from anchorhold import key_spec
from anchorhold.errors import SignatureError
from anchorhold.x509.ocsp import CertStatus
from anchorhold.x509.ocsp_requests import load_ocsp_request
from anchorhold_server import responders
from anchorhold_server.ledger_reader import LedgerReader
from anchorhold_server.metrics import Metrics
from anchorhold_server.responders import Responder
from server.serving import build_house

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold.algorithms import Algorithm
    from anchorhold.installation import Installation
    from anchorhold.plugin import Signer
    from anchorhold.public_keys import PublicKey

pytestmark = pytest.mark.databases("sqlite", because="it is about signatures, not about the ledger")
GOOD = CertStatus(issued=True)
DAY = dt.timedelta(days=1)


class GoesWrong:
    """A signer that signs, and from some moment on signs something else.

    Attributes:
        wrong: Whether it does so now.
    """

    def __init__(self, signer: Signer) -> None:
        self._signer = signer
        self.wrong = False

    @property
    def public_key(self) -> PublicKey:
        """Of the key."""
        return self._signer.public_key

    def sign(self, message: bytes, algorithm: Algorithm) -> bytes:
        """A signature over the message, or over another one."""
        return self._signer.sign(message + b"!" if self.wrong else message, algorithm)

    def close(self) -> None:
        """Give it back."""
        self._signer.close()


class Asked:
    """A responder with a key that can go wrong, and a question to it.

    Args:
        installation: Empty.
        folder: For counters.
        kind: Of the responder's key.
    """

    def __init__(self, installation: Installation, folder: Path, kind: str = "EC") -> None:
        house = build_house()
        installation.responders.renew(house.authority, key=key_spec(kind))
        record = installation.ledger.responders.active(house.authority.record.id)
        assert record is not None
        self._cert_id = load_ocsp_request(house.request()).cert_id
        self._responder = Responder(LedgerReader(installation), house.authority, record, Metrics(folder))
        self.key = GoesWrong(self._responder._open())  # the key in use is what goes wrong
        self._responder._signer = self.key  # the same
        self._responder._uses.lend(self.key)

    def answer(self, nonce: bytes | None = None) -> bytes:
        """The response, whatever it is worth."""
        return self._responder.respond(self._cert_id, GOOD, nonce, DAY).der


def test_an_answer_that_will_be_kept_never_leaves_with_a_wrong_signature(
    installation: Installation, tmp_path: Path
) -> None:
    asked = Asked(installation, tmp_path)
    asked.answer()
    asked.key.wrong = True
    with pytest.raises(SignatureError, match="does not verify"):
        asked.answer()


def test_the_first_live_answer_of_a_key_is_verified(installation: Installation, tmp_path: Path) -> None:
    asked = Asked(installation, tmp_path)
    asked.key.wrong = True
    with pytest.raises(SignatureError):
        asked.answer(b"nonce")


def test_a_key_that_goes_wrong_is_found_out_within_a_moment(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(responders, "VERIFY_INTERVAL", 0.2)
    asked = Asked(installation, tmp_path)
    asked.answer(b"nonce")
    asked.key.wrong = True
    time.sleep(0.25)
    with pytest.raises(SignatureError):
        asked.answer(b"nonce")


@pytest.mark.parametrize("kind", ["RSA", "Ed25519"])
def test_a_deterministic_signature_is_verified_each_time(kind: str, installation: Installation, tmp_path: Path) -> None:
    """A faulty one can give the key away."""
    asked = Asked(installation, tmp_path, kind)
    asked.answer(b"nonce")
    asked.key.wrong = True
    with pytest.raises(SignatureError):
        asked.answer(b"nonce")
