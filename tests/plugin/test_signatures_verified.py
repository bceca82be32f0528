"""Core verifies every signature itself: a backend that lies is found out, and nothing it made is issued."""

from __future__ import annotations

from threading import Barrier
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from anchorhold import software_keys
from anchorhold.algorithms import Algorithm, key_spec
from anchorhold.errors import BackendFailedError, SignatureError
from anchorhold.operations import parallel
from anchorhold.operations.order import Order
from anchorhold.plugin import BACKENDS_GROUP
from anchorhold.public_keys import spec_of
from plugin.fake_backends import LyingBackend, MemoryBackend, offer, settings_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from anchorhold.installation import Installation
    from conftest import MakeCsr

    Lie = Callable[[software_keys.SoftwareSigner, bytes, Algorithm], bytes]


@pytest.fixture(autouse=True)
def _vault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The default alias is a backend that can lie."""
    monkeypatch.setattr(MemoryBackend, "keys", {})
    monkeypatch.setattr(LyingBackend, "lie", None)
    offer(monkeypatch, tmp_path / "site", BACKENDS_GROUP, {"vault": "plugin.fake_backends:LyingBackend"})
    settings_file(tmp_path, monkeypatch, '[key_backends.default]\nbackend = "vault"\n')


def _with_another_key(signer: software_keys.SoftwareSigner, message: bytes, algorithm: Algorithm) -> bytes:
    return software_keys.SoftwareSigner(software_keys.generate(spec_of(signer.public_key))).sign(message, algorithm)


def _with_another_hash(signer: software_keys.SoftwareSigner, message: bytes, algorithm: Algorithm) -> bytes:
    if algorithm.hash is None:
        return signer.sign(message[::-1], algorithm)
    return signer.sign(message, Algorithm(scheme=algorithm.scheme, hash="SHA-384"))


def _flipped(signer: software_keys.SoftwareSigner, message: bytes, algorithm: Algorithm) -> bytes:
    signature = signer.sign(message, algorithm)
    return signature[:-1] + bytes([signature[-1] ^ 1])


LIES: dict[str, Lie] = {
    "garbage": lambda signer, message, algorithm: b"\xa5" * len(signer.sign(message, algorithm)),
    "zeros": lambda signer, message, algorithm: bytes(len(signer.sign(message, algorithm))),
    "nothing": lambda signer, message, algorithm: b"",
    "one bit off": _flipped,
    "truncated": lambda signer, message, algorithm: signer.sign(message, algorithm)[:-1],
    "too long": lambda signer, message, algorithm: signer.sign(message, algorithm) + b"\x00",
    "another key": _with_another_key,
    "another hash": _with_another_hash,
    "another message": lambda signer, message, algorithm: signer.sign(message + b"\x00", algorithm),
    "the digest only": lambda signer, message, algorithm: signer.sign(message[:32], algorithm),
}


def _orders(make_csr: MakeCsr, count: int) -> list[Order]:
    csr = make_csr()
    return [Order(csr=csr, names=[f"host{number}.example"]) for number in range(count)]


def _statuses(installation: Installation) -> dict[str, int]:
    rows = installation.ledger.database.execute_sql(
        "SELECT status, count(*) FROM anchorhold_certificate WHERE profile <> 'authority' GROUP BY status"
    )
    return dict(rows)


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("key_type", ["EC", "RSA", "Ed25519", "Ed448"])
def test_a_wrong_signature_is_found_out_and_nothing_is_issued(
    installation: Installation, make_csr: MakeCsr, monkeypatch: pytest.MonkeyPatch, key_type: str, lie: str
) -> None:
    installation.authorities.create("Root", "CN=Root", key=key_spec(key_type, 2048 if key_type == "RSA" else None))
    monkeypatch.setattr(LyingBackend, "lie", staticmethod(LIES[lie]))
    with installation.certificates.issuer("Root") as issuer, pytest.raises(SignatureError) as caught:
        issuer.sign_many(_orders(make_csr, 1))
    assert "acme-keys 1.2" in str(caught.value)
    assert "nothing was recorded as issued" in caught.value.hint
    assert _statuses(installation) == {"abandoned": 1}
    monkeypatch.setattr(LyingBackend, "lie", None)
    with installation.certificates.issuer("Root") as issuer:
        issuer.sign_many(_orders(make_csr, 1))
    assert _statuses(installation) == {"abandoned": 1, "issued": 1}


def test_an_ecdsa_signature_in_raw_form_is_found_out(
    installation: Installation, make_csr: MakeCsr, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raw(signer: software_keys.SoftwareSigner, message: bytes, algorithm: Algorithm) -> bytes:
        r, s = decode_dss_signature(signer.sign(message, algorithm))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    installation.authorities.create("Root", "CN=Root")
    for lie in (raw, lambda *_: encode_dss_signature(0, 0), lambda *_: encode_dss_signature(1, 1)):
        monkeypatch.setattr(LyingBackend, "lie", staticmethod(lie))
        with installation.certificates.issuer("Root") as issuer, pytest.raises(SignatureError):
            issuer.sign_many(_orders(make_csr, 1))
    assert _statuses(installation) == {"abandoned": 3}


@pytest.mark.parametrize("lie", ["garbage", "another key"])
def test_an_authority_is_not_made_with_a_key_that_lies(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, lie: str
) -> None:
    monkeypatch.setattr(LyingBackend, "lie", staticmethod(LIES[lie]))
    with pytest.raises(SignatureError):
        installation.authorities.create("Root", "CN=Root")
    assert installation.authorities.list() == []
    assert installation.certificates.list() == []
    assert MemoryBackend.keys == {}


def test_a_batch_keeps_what_was_signed_before_the_lie_and_takes_back_the_rest(
    installation: Installation, make_csr: MakeCsr, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel, "MAX_WORKERS", 1)
    installation.authorities.create("Root", "CN=Root")
    signed = []

    def third(signer: software_keys.SoftwareSigner, message: bytes, algorithm: Algorithm) -> bytes:
        signed.append(message)
        return b"garbage" if len(signed) == 3 else signer.sign(message, algorithm)

    monkeypatch.setattr(LyingBackend, "lie", staticmethod(third))
    with installation.certificates.issuer("Root") as issuer, pytest.raises(SignatureError):
        issuer.sign_many(_orders(make_csr, 5))
    assert len(signed) == 3
    assert _statuses(installation) == {"issued": 2, "abandoned": 1}


def test_what_several_threads_have_signed_is_recorded_whichever_of_them_met_the_lie(
    installation: Installation, make_csr: MakeCsr, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel, "MAX_WORKERS", 4)
    installation.authorities.create("Root", "CN=Root")
    meeting, true, lies = Barrier(4), [], []

    def fourth(signer: software_keys.SoftwareSigner, message: bytes, algorithm: Algorithm) -> bytes:
        if meeting.wait(10) == 3:
            lies.append(message)
            return b"garbage"
        true.append(message)
        return signer.sign(message, algorithm)

    monkeypatch.setattr(LyingBackend, "lie", staticmethod(fourth))
    with installation.certificates.issuer("Root") as issuer, pytest.raises(SignatureError):
        issuer.sign_many(_orders(make_csr, 4))
    assert (len(true), len(lies)) == (3, 1)
    assert _statuses(installation) == {"issued": 3, "abandoned": 1}


def test_a_signer_that_raises_in_the_middle_is_a_failed_backend(
    installation: Installation, make_csr: MakeCsr, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel, "MAX_WORKERS", 1)

    def gone(signer: software_keys.SoftwareSigner, message: bytes, algorithm: Algorithm) -> bytes:
        raise ConnectionResetError("the token was pulled")

    installation.authorities.create("Root", "CN=Root")
    monkeypatch.setattr(LyingBackend, "lie", staticmethod(gone))
    with (
        installation.certificates.issuer("Root") as issuer,
        pytest.raises(BackendFailedError, match="ConnectionResetError"),
    ):
        issuer.sign_many(_orders(make_csr, 2))
    assert _statuses(installation) == {"abandoned": 1}


def test_the_signature_that_is_issued_is_over_what_the_ledger_had_recorded(
    installation: Installation, make_csr: MakeCsr, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = []

    def look(signer: software_keys.SoftwareSigner, message: bytes, algorithm: Algorithm) -> bytes:
        query = "SELECT tbs FROM anchorhold_certificate WHERE status = 'reserved'"
        recorded.append(([bytes(tbs) for (tbs,) in installation.ledger.database.execute_sql(query)], message))
        return signer.sign(message, algorithm)

    installation.authorities.create("Root", "CN=Root")
    monkeypatch.setattr(LyingBackend, "lie", staticmethod(look))
    with installation.certificates.issuer("Root") as issuer:
        issued = issuer.sign(_orders(make_csr, 1)[0])
    ((found, message),) = recorded
    assert found == [message]
    assert issued.certificate.tbs_certificate_bytes == message
    key = installation.authorities.get("Root").public_key
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(issued.certificate.signature, message, ec.ECDSA(issued.certificate.signature_hash_algorithm))  # type: ignore[arg-type]
