"""The parts of ``quickstart`` that are not about the command line."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from anchorhold import software_keys
from anchorhold.algorithms import key_spec
from anchorhold.errors import NameForbiddenError, SignatureError
from anchorhold.pkcs8 import dump_pkcs8
from anchorhold.x509.hosts import check_domain

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT: Final = "Quickstart Root"
ISSUING: Final = "Quickstart Issuing CA"


def check_host(name: str) -> None:
    """Refuse what is neither a DNS name nor an address.

    Raises:
        NameForbiddenError: It is something else.
    """
    try:
        ipaddress.ip_address(name)
    except ValueError:
        try:
            check_domain(name.removeprefix("*."))
        except ValueError as error:
            raise NameForbiddenError(
                f"host {name!r}: is neither a DNS name nor an address", hint="give for example localhost"
            ) from error


def server_request() -> tuple[bytes, bytes]:
    """A new server key (PEM, unencrypted) and a request for it (PEM)."""
    key = software_keys.generate(key_spec("EC"))
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    return dump_pkcs8(key).reveal_bytes(), request.public_bytes(Encoding.PEM)


def verify_chain(
    leaf: x509.Certificate, intermediates: Sequence[x509.Certificate], root: x509.Certificate, host: str
) -> None:
    """Validate a chain as a TLS client does (RFC 5280, section 6, and RFC 9525).

    Raises:
        SignatureError: It does not hold.
    """
    try:
        subject: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        subject = x509.DNSName(host.replace("*", "any", 1))
    verifier = PolicyBuilder().store(Store([root])).build_server_verifier(subject)  # type: ignore[arg-type]
    try:
        verifier.verify(leaf, list(intermediates))
    except VerificationError as error:
        raise SignatureError(f"chain for {host}: does not verify ({error})", hint="report this as a defect") from error
