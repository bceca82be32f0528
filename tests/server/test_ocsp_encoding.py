"""The encoder of OCSP responses writes what ``cryptography``'s builder writes for each kind of key; pkilint agrees."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from pkilint import pkix
from pkilint.loader import RFC6960OCSPResponseDocumentLoader
from pkilint.pkix import extension, name
from pkilint.pkix import ocsp as pkix_ocsp
from pkilint.validation import ValidationFindingSeverity

from anchorhold import software_keys
from anchorhold.algorithms import key_spec
from anchorhold.public_keys import spec_of
from anchorhold.x509.der import tlv
from anchorhold.x509.ocsp import (
    ERROR_RESPONSES,
    BasicOCSPResponse,
    CertStatus,
    OCSPResponseStatus,
    SingleResponse,
)
from anchorhold.x509.ocsp_requests import load_ocsp_request
from anchorhold.x509.to_be_signed import builder_arguments

if TYPE_CHECKING:
    from anchorhold.algorithms import KeySpec
    from anchorhold.software_keys import PrivateKey
    from anchorhold.x509.ocsp_requests import CertID
    from server.serving import House, Server

no_ledger = pytest.mark.databases(because="nothing is read from a ledger")

THIS_UPDATE: Final = dt.datetime(2026, 1, 31, 23, 59, 59, tzinfo=dt.UTC)
NEXT_UPDATE: Final = THIS_UPDATE + dt.timedelta(days=1)
KEYS: Final = {
    "EC P-256": key_spec("EC"),
    "EC P-521": key_spec("EC", curve="P-521"),
    "RSA": key_spec("RSA", 2048),
    "Ed25519": key_spec("Ed25519"),
    "Ed448": key_spec("Ed448"),
    "ML-DSA-44": key_spec("ML-DSA-44"),
    "ML-DSA-87": key_spec("ML-DSA-87"),
}
REVOKED: Final = dt.datetime(2025, 12, 24, 1, 2, 3, tzinfo=dt.UTC)
STATUSES: Final = {
    "good": CertStatus(True),
    "unknown": CertStatus(False),
    "revoked": CertStatus(True, REVOKED),
    "key compromised": CertStatus(True, REVOKED, "keyCompromise"),
    "on hold": CertStatus(True, REVOKED, "certificateHold"),
}
HASHES: Final = {"sha1": hashes.SHA1(), "sha256": hashes.SHA256()}  # noqa: S303  # as clients name certificates


def certificate_for(key: PrivateKey) -> x509.Certificate:
    """A certificate of that key, self-signed."""
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Responder")])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(THIS_UPDATE).not_valid_after(NEXT_UPDATE)
    algorithm = spec_of(key.public_key()).algorithm()
    return builder.sign(key, **builder_arguments(algorithm))


def asked(serial: int = 4711, hash_name: str = "sha1") -> CertID:
    """A certificate as a request names it."""
    size = HASHES[hash_name].digest_size
    name, key = b"n" * size, b"k" * size
    request = ocsp.OCSPRequestBuilder().add_certificate_by_hash(name, key, serial, HASHES[hash_name]).build()
    return load_ocsp_request(request.public_bytes(Encoding.DER)).cert_id


def built(
    key: PrivateKey, certificate: x509.Certificate, named: CertID, status: CertStatus, nonce: bytes | None
) -> ocsp.OCSPResponse:
    """The same by ``cryptography``'s builder."""
    kind = {"good": "GOOD", "revoked": "REVOKED", "unknown": "UNKNOWN"}[status.word]
    reason = None if status.reason == "unspecified" else x509.ReasonFlags(status.reason)
    builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
        issuer_name_hash=named.issuer_name_hash,
        issuer_key_hash=named.issuer_key_hash,
        serial_number=named.serial_number,
        algorithm=HASHES[named.hash_algorithm],
        cert_status=ocsp.OCSPCertStatus[kind],
        this_update=THIS_UPDATE,
        next_update=NEXT_UPDATE,
        revocation_time=status.revoked_at,
        revocation_reason=reason,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, certificate).certificates([certificate])
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    return builder.sign(key, builder_arguments(spec_of(key.public_key()).algorithm())["algorithm"])


def produced_at(data: bytes, theirs: ocsp.OCSPResponse) -> bytes:
    """The builder takes the present moment for producedAt; put it where ours has thisUpdate."""
    return data.replace(b"20260131235959Z", f"{theirs.produced_at_utc:%Y%m%d%H%M%SZ}".encode(), 1)


@no_ledger
@pytest.mark.parametrize("status", STATUSES.values(), ids=STATUSES)
@pytest.mark.parametrize("nonce", [None, b"n" * 32], ids=["no nonce", "nonce"])
@pytest.mark.parametrize("hash_name", HASHES)
def test_the_builder_signs_the_same(status: CertStatus, nonce: bytes | None, hash_name: str) -> None:
    key = software_keys.generate(key_spec("EC"))
    certificate = certificate_for(key)
    theirs = built(key, certificate, asked(hash_name=hash_name), status, nonce)
    encoder = BasicOCSPResponse.of(certificate, key.public_key(), spec_of(key.public_key()).algorithm())
    single = SingleResponse(asked(hash_name=hash_name), status, THIS_UPDATE, NEXT_UPDATE)
    ours = encoder.response_data(single, THIS_UPDATE, nonce and tlv(4, nonce))
    assert produced_at(ours, theirs) == theirs.tbs_response_bytes


@no_ledger
@pytest.mark.parametrize("spec", KEYS.values(), ids=KEYS)
def test_whole_responses_are_the_builders_for_every_kind_of_key(spec: KeySpec) -> None:
    key = software_keys.generate(spec)
    certificate, algorithm = certificate_for(key), spec.algorithm()
    theirs = built(key, certificate, asked(), STATUSES["good"], None)
    encoder = BasicOCSPResponse.of(certificate, key.public_key(), algorithm)
    assert encoder.assemble(theirs.tbs_response_bytes, theirs.signature) == theirs.public_bytes(Encoding.DER)


@no_ledger
@pytest.mark.parametrize("status", list(OCSPResponseStatus), ids=lambda status: status.name)
def test_errors_are_the_builders(status: OCSPResponseStatus) -> None:
    theirs = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus[status.name])
    assert ERROR_RESPONSES[status] == theirs.public_bytes(Encoding.DER)


LINTER: Final = pkix_ocsp.create_pkix_ocsp_response_validator_container(
    [
        pkix_ocsp.create_response_decoder(),
        pkix.create_attribute_decoder(name.ATTRIBUTE_TYPE_MAPPINGS),
        pkix.create_extension_decoder(extension.EXTENSION_MAPPINGS),
    ],
    [],
)
"""What ``lint_ocsp_response`` runs."""


def findings(der: bytes) -> list[str]:
    """What pkilint has against a response: fatal, error and warning."""
    document = RFC6960OCSPResponseDocumentLoader().load_der_document(der)
    return [
        str(description.finding.code)
        for result in LINTER.validate(document.root)
        for description in result.finding_descriptions
        if description.finding.severity <= ValidationFindingSeverity.WARNING
    ]


@pytest.mark.databases("sqlite", because="responses are the same")
def test_pkilint_has_nothing_against_any_answer(house: House, server: Server) -> None:
    requests = [
        house.request(),
        house.request(nonce=b"n" * 32),
        house.request(algorithm=HASHES["sha256"]),
        house.request_by_number(4711),
        house.request_by_number(4711, issuer_key=bytes(20)),
        b"garbage",
    ]
    answers = [server.ask(request).content for request in requests]
    for reason in ("certificateHold", "keyCompromise"):
        house.revoke(reason=reason)
        answers.append(server.ask(house.request()).content)
    assert [findings(answer) for answer in answers] == [[]] * len(answers)


@no_ledger
def test_pkilint_would_find_a_fault() -> None:
    key = software_keys.generate(key_spec("EC"))
    certificate = certificate_for(key)
    encoder = BasicOCSPResponse.of(certificate, key.public_key(), key_spec("EC").algorithm())
    single = SingleResponse(asked(), STATUSES["good"], NEXT_UPDATE, THIS_UPDATE)  # it ends before it begins
    data = encoder.response_data(single, NEXT_UPDATE, None)
    assert findings(encoder.assemble(data, key.sign(data, ec.ECDSA(hashes.SHA256()))))  # type: ignore[call-arg, arg-type]  # EC
