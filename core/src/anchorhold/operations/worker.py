"""Signing where the key is, for a process elsewhere that has reserved a certificate: the ledger is what both trust.

The caller sends octets. They are signed only if they are, to the last bit, what the ledger has reserved, so a message
that was forged or altered on its way signs nothing. Wrappers of the worker see the draft as if it was made here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from anchorhold.errors import AuthorityNotReadyError, InputError, UnknownAuthorityError
from anchorhold.operations.authority import Authority
from anchorhold.operations.signing_key import SigningKey
from anchorhold.parser_errors import guard_parser
from anchorhold.x509.serials import format_serial
from anchorhold.x509.to_be_signed import read_draft, signature_algorithm, tbs_algorithm

if TYPE_CHECKING:
    from collections.abc import Iterable

    from anchorhold.ledger import Ledger
    from anchorhold.plugin.key_backend import KeyBackend
    from anchorhold.plugin.requests import KeyHandle, Secrets
    from anchorhold.x509.draft import Draft


@dataclass(frozen=True, slots=True)
class ReservedCertificate:
    """A certificate that may be signed.

    Attributes:
        authority: That signs it.
        draft: What it is, rebuilt from the recorded octets.
        tbs: These octets (TBSCertificate), which are signed.
    """

    authority: Authority
    draft: Draft
    tbs: bytes


def find_reserved(
    ledger: Ledger, authorities: Iterable[Authority], public_key_info: bytes, tbs: bytes
) -> ReservedCertificate:
    """The reservation of exactly these octets.

    Args:
        ledger: Where it was recorded.
        authorities: All that are known.
        public_key_info: Of the authority, DER SubjectPublicKeyInfo; as `CertificateAuthority.public_key_info` has it.
        tbs: TBSCertificate, in DER.

    Raises:
        UnknownAuthorityError: No authority has that key.
        InputError: Nothing of that kind is reserved, or what is reserved is something else.
    """
    authority = next((found for found in authorities if found.record.public_key == public_key_info), None)
    if authority is None:
        raise UnknownAuthorityError(
            "request of a signature: no authority has the public key that it names",
            hint="let both processes use one ledger",
        )
    with guard_parser(_unreadable):
        serial = format_serial(read_draft(tbs, "").serial)
    with ledger.translate_errors():
        found = ledger.certificates.find(serial, authority.record.id)
    record = next((each for each in found if each.serial == serial), None)
    if record is None or record.status != "reserved" or record.tbs != tbs:
        state = "was never reserved" if record is None else f"is {record.status}"
        if record is not None and record.status == "reserved":
            state = "is reserved for another content"
        raise InputError(
            f"request of a signature by {authority.name!r}: serial number {serial} {state}",
            hint="sign nothing, and find out who sent it",
        )
    return ReservedCertificate(authority, read_draft(tbs, record.profile), tbs)


def _unreadable(cause: str) -> InputError:
    return InputError(
        f"request of a signature: is no TBSCertificate ({cause})", hint="sign nothing, and find out who sent it"
    )


def sign_reserved(
    ledger: Ledger,
    reserved: ReservedCertificate,
    backend: KeyBackend,
    secrets: Secrets,
    handle: KeyHandle | None = None,
) -> bytes:
    """The signature over a reserved certificate, made through the hook `sign` and verified.

    The process that has reserved the certificate records it; a signature that is lost on its way can be made again.

    Args:
        ledger: Tells whether the authority may sign now.
        reserved: From `find_reserved`.
        backend: Where the key is.
        secrets: For it.
        handle: Finds the key there; by default the one that the ledger has.

    Raises:
        AuthorityNotReadyError, AuthorityExpiredError: The authority must not sign, or by another algorithm by now.
        AnchorholdError: The key cannot be used, or a wrapper has refused.
    """
    authority = reserved.authority.refreshed(ledger)
    if authority.record.status != "pending":
        authority.check_ready()
    if tbs_algorithm(reserved.tbs) != signature_algorithm(authority.public_key, authority.algorithm):
        raise AuthorityNotReadyError(
            f"authority {authority.name!r}: signs by another algorithm since this certificate was reserved",
            hint="reserve it again",
        )
    if handle is not None:
        authority = Authority(authority.record.moved(key_backend=backend.alias, handle=handle.to_json()))
    with SigningKey(authority, backend, secrets) as key:
        return key.signature(reserved.draft, reserved.tbs)
