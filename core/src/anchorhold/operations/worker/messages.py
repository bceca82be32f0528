"""Octets that travel because the ledger does not have them: certificate signing requests and probes."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

from cryptography import x509

from anchorhold.operations.state import CsrPending, state_of
from anchorhold.operations.worker.intended import not_intended
from anchorhold.plugin.facts import CsrFacts
from anchorhold.plugin.requests import PROBE_PREFIX
from anchorhold.public_keys import spki
from anchorhold.x509.names import format_name
from anchorhold.x509.to_be_signed import assemble_request

if TYPE_CHECKING:
    from anchorhold.ledger import Ledger
    from anchorhold.operations.worker.intended import KeyOwner
    from anchorhold.plugin.wanted_signature import WantedSignature

PROBE_OCTETS: Final = 32
"""Random octets of a probe, behind its prefix."""


def message_of(owner: KeyOwner, wanted: WantedSignature) -> bytes:
    """The octets that came with a request.

    Raises:
        SignatureNotIntendedError: They are missing, or not those of its digest.
    """
    if wanted.message is None or sha256(wanted.message).digest() != wanted.digest:
        raise not_intended("other-content", owner, "its octets are missing, or have another digest")
    return wanted.message


def check_probe(owner: KeyOwner, message: bytes) -> None:
    """Refuse all that is not exactly as core makes probes.

    Raises:
        SignatureNotIntendedError: It is something else, which may mean something to others.
    """
    if not message.startswith(PROBE_PREFIX) or len(message) != len(PROBE_PREFIX) + PROBE_OCTETS:
        raise not_intended("no-probe", owner, "what is called a probe is something else")


def intended_csr(ledger: Ledger, owner: KeyOwner, wanted: WantedSignature, message: bytes) -> CsrFacts:
    """What the request for the certificate of an authority says.

    Args:
        ledger: Where it was begun.
        owner: An authority that waits for its certificate from elsewhere.
        wanted: What is wanted.
        message: CertificationRequestInfo (RFC 2986, section 4.1), in DER.

    Raises:
        SignatureNotIntendedError: It was not begun, was signed already, or is for another subject or key.
    """
    authority = owner.authority
    state = state_of(authority.record)
    if authority.record.status != "pending" or not isinstance(state, CsrPending) or state.abandoning:
        raise not_intended("csr-not-begun", owner, "the authority makes no CSR")
    if state.csr is not None:
        raise not_intended("csr-made", owner, "the CSR of the authority was signed already")
    with ledger.translate_errors():
        begun = ledger.events.begun("csr-begun", authority.record.id, f'"sha256": "{wanted.digest.hex()}"')
    if begun is None:
        raise not_intended("csr-not-begun", owner, "the ledger has no such CSR")
    octets = assemble_request(message, owner.public_key, owner.algorithm, b"\x00")
    found = x509.load_der_x509_csr(octets)  # core made it, or its digest would not be recorded
    if format_name(found.subject) != state.subject or spki(found.public_key()) != spki(owner.public_key):  # type: ignore[arg-type]
        raise not_intended("csr-other-subject", owner, "the CSR is for another subject or key")
    return CsrFacts(subject=found.subject)
