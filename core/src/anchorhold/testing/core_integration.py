"""What core does with this backend: it issues certificates, and it does not believe signers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from anchorhold import software_keys
from anchorhold.algorithms import key_spec
from anchorhold.errors import KeyMismatchError, SignatureError
from anchorhold.ledger import IssuancePolicy
from anchorhold.operations.order import Order
from anchorhold.plugin import CreatedKey
from anchorhold.testing.faulty_signers import FAULTS, FaultySignerWrapper
from anchorhold.testing.fixtures import ContractFixtures
from anchorhold.testing.key_kinds import algorithms
from anchorhold.testing.rules import UnmetError, expect, rule
from anchorhold.x509.to_be_signed import builder_arguments

if TYPE_CHECKING:
    from anchorhold.operations.authority import Authority
    from anchorhold.testing.harness import Harness


class CoreIntegrationRules(ContractFixtures):
    """The backend in the place that it is made for."""

    @rule("core.issues")
    def test_an_authority_issues_a_certificate(self, harness: Harness) -> None:
        """As ``init-ca`` and ``sign-cert`` do."""
        authority = _authority(harness)
        with harness.installation.certificates.issuer(authority, secrets=dict(harness.given_secrets)) as issuer:
            issued = issuer.sign(Order(csr=_request(), names=["contract.example"]))
        issued.certificate.verify_directly_issued_by(authority.certificate)

    @rule("core.catches-lies")
    def test_a_signer_that_lies_is_caught(self, harness: Harness) -> None:
        """Nothing that it signs leaves core."""
        authority = _authority(harness)
        for name, lie in FAULTS.items():
            liar = FaultySignerWrapper(lie)
            harness.backend.manager.register(liar)
            state = harness.installation.keys.check(authority, dict(harness.given_secrets))
            expect(state.condition == "unusable", f"{name}: core finds the key {state.condition}")
            _check_nothing_is_issued(harness, authority, name)
            harness.backend.manager.unregister(liar)


def _authority(harness: Harness) -> Authority:
    """A root whose key is in the backend."""
    first = algorithms(harness.kind, harness.offered)[0]
    rsa_padding = {"rsa-pss": "pss", "rsa-pkcs1v15": "pkcs1v15"}.get(first.scheme)
    authority = harness.installation.authorities.create(
        "Contract",
        "CN=Contract",
        key=harness.kind,
        issuing=IssuancePolicy(hash=first.hash, rsa_padding=rsa_padding),
        options=harness.key_options,
        secrets=dict(harness.given_secrets),
    )
    harness.made.append(CreatedKey(handle=authority.key_request.handle, public_key=authority.public_key))
    return authority


def _check_nothing_is_issued(harness: Harness, authority: Authority, lie: str) -> None:
    try:
        with harness.installation.certificates.issuer(authority, secrets=dict(harness.given_secrets)) as issuer:
            issuer.sign(Order(csr=_request(), names=["contract.example"]))
    except (SignatureError, KeyMismatchError):
        return
    raise UnmetError(f"{lie}: core has issued a certificate with it")


def _request() -> bytes:
    """A request for a certificate, PEM."""
    spec = key_spec("EC")
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    digest = builder_arguments(spec.algorithm())["algorithm"]
    return builder.sign(software_keys.generate(spec), digest).public_bytes(Encoding.PEM)
