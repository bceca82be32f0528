"""Requests for signatures as core makes them, written down while an authority works without any wrapper."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from anchorhold import software_keys
from anchorhold.algorithms import key_spec
from anchorhold.operations.order import Order
from anchorhold.plugin import CreatedKey, hookimpl

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from anchorhold.plugin import Purpose, SignRequest, Wrapping
    from anchorhold.testing.harness import Harness

NAME: Final = "Contract"
SUBJECT: Final = "CN=Contract"
"""Of the authority whose key signs."""


@dataclass(frozen=True)
class Recorded:
    """What an authority has signed.

    Attributes:
        folder: Where its keys are.
        key: Its key.
        own: The request for its own certificate.
        allowed: One request of each purpose; that of a certificate is for what the wrapper must let pass.
        refused: One that the wrapper must refuse; None if it refuses nothing.
    """

    folder: Path
    key: CreatedKey
    own: SignRequest
    allowed: Mapping[Purpose, SignRequest]
    refused: SignRequest | None


class _Recorder:
    """Writes down what is signed."""

    def __init__(self) -> None:
        self.seen: list[SignRequest] = []

    @hookimpl(wrapper=True)
    def sign(self, request: SignRequest) -> Wrapping[bytes]:
        self.seen.append(request)
        return (yield)

    def last(self, purpose: Purpose) -> SignRequest:
        """The last one of a purpose."""
        return next(request for request in reversed(self.seen) if request.purpose == purpose)


def record(harness: Harness, folder: Path, allowed: Mapping[str, Any], refused: Mapping[str, Any] | None) -> Recorded:
    """Create an authority, and let it sign one of everything.

    Args:
        harness: An alias without wrappers.
        folder: Where its keys are.
        allowed: Of the order of a certificate that the wrapper must let pass: arguments of `anchorhold.Order`.
        refused: The same of one that it must refuse; None if it refuses nothing.
    """
    recorder, secrets = _Recorder(), dict(harness.given_secrets)
    harness.backend.manager.register(recorder)
    authority = harness.installation.authorities.create(NAME, SUBJECT, key=harness.kind, secrets=secrets)
    own = recorder.last("certificate")
    refusal = None
    with harness.installation.certificates.issuer(authority, secrets=secrets) as issuer:
        if refused is not None:
            issuer.sign(Order(csr=_csr(), **refused))
            refusal = recorder.last("certificate")
        issuer.sign(Order(csr=_csr(), **allowed))
    list(harness.installation.crls.generate(authority, secrets))
    harness.installation.authorities.request_csr("Requested", "CN=Requested", key=harness.kind, secrets=secrets)
    purposes: tuple[Purpose, ...] = ("certificate", "crl", "csr", "probe")
    found: dict[Purpose, SignRequest] = {purpose: recorder.last(purpose) for purpose in purposes}
    found["csr"] = replace(found["csr"], ca=own.ca)
    # Responders sign in the server, which need not be installed.
    found["ocsp"] = replace(found["probe"], purpose="ocsp", message=_ocsp_response())
    key = CreatedKey(handle=authority.key_request.handle, public_key=authority.public_key)
    return Recorded(folder, key, own, found, refusal)


def _csr() -> bytes:
    """A request for a certificate, PEM."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return builder.sign(software_keys.generate(key_spec("EC")), hashes.SHA256()).public_bytes(Encoding.PEM)


def _ocsp_response() -> bytes:
    """The ResponseData of an answer about a certificate (RFC 6960, section 4.2.1)."""
    key: Any = software_keys.generate(key_spec("EC"))
    now, name = dt.datetime.now(dt.UTC).replace(microsecond=0), x509.Name.from_rfc4514_string(SUBJECT)
    end = now + dt.timedelta(days=1)
    responder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, end)
    certificate = responder.sign(key, hashes.SHA256())
    builder = ocsp.OCSPResponseBuilder().responder_id(ocsp.OCSPResponderEncoding.HASH, certificate)
    status, same = ocsp.OCSPCertStatus.GOOD, hashes.SHA256()
    answered = builder.add_response(certificate, certificate, same, status, now, end, None, None)
    return answered.sign(key, hashes.SHA256()).tbs_response_bytes
