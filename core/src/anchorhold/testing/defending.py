"""What core does with this backend: it issues certificates, and it does not believe signers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from anchorhold import softkeys
from anchorhold.algorithms import key_spec
from anchorhold.errors import KeyMismatchError, SignatureError
from anchorhold.issuing.order import Order
from anchorhold.ledger import IssuingDefaults
from anchorhold.seam import CreatedKey
from anchorhold.seam.bridge import builder_arguments
from anchorhold.testing.kinds import algorithms
from anchorhold.testing.liars import LIES, Replacing
from anchorhold.testing.rules import UnmetError, expect, rule
from anchorhold.testing.subject import Subject

if TYPE_CHECKING:
    from anchorhold.issuing.authority import Authority
    from anchorhold.testing.bench import Bench


class Defending(Subject):
    """The backend in the place that it is made for."""

    @rule("core.issues")
    def test_an_authority_issues_a_certificate(self, bench: Bench) -> None:
        """As ``init-ca`` and ``sign-cert`` do."""
        authority = _authority(bench)
        with bench.installation.certificates.issuer(authority, secrets=dict(bench.given)) as issuer:
            issued = issuer.sign(Order(csr=_request(), names=["contract.example"]))
        issued.certificate.verify_directly_issued_by(authority.certificate)

    @rule("core.catches-lies")
    def test_a_signer_that_lies_is_caught(self, bench: Bench) -> None:
        """Nothing that it signs leaves core."""
        authority = _authority(bench)
        for name, lie in LIES.items():
            liar = Replacing(lie)
            bench.backend.manager.register(liar)
            state = bench.installation.keys.check(authority, dict(bench.given))
            expect(state.condition == "unusable", f"{name}: core finds the key {state.condition}")
            _check_nothing_is_issued(bench, authority, name)
            bench.backend.manager.unregister(liar)


def _authority(bench: Bench) -> Authority:
    """A root whose key is in the backend."""
    first = algorithms(bench.kind, bench.offered)[0]
    rsa_padding = {"rsa-pss": "pss", "rsa-pkcs1v15": "pkcs1v15"}.get(first.scheme)
    authority = bench.installation.authorities.create(
        "Contract",
        "CN=Contract",
        key=bench.kind,
        issuing=IssuingDefaults(hash=first.hash, rsa_padding=rsa_padding),
        options=bench.key_options,
        secrets=dict(bench.given),
    )
    bench.made.append(CreatedKey(handle=authority.key_request.handle, public_key=authority.public_key))
    return authority


def _check_nothing_is_issued(bench: Bench, authority: Authority, lie: str) -> None:
    try:
        with bench.installation.certificates.issuer(authority, secrets=dict(bench.given)) as issuer:
            issuer.sign(Order(csr=_request(), names=["contract.example"]))
    except (SignatureError, KeyMismatchError):
        return
    raise UnmetError(f"{lie}: core has issued a certificate with it")


def _request() -> bytes:
    """A request for a certificate, PEM."""
    spec = key_spec("EC")
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    digest = builder_arguments(spec.algorithm())["algorithm"]
    return builder.sign(softkeys.generate(spec), digest).public_bytes(Encoding.PEM)
