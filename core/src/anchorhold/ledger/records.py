"""What the ledger hands out: frozen copies of rows. Times are UTC, to the second."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from anchorhold.audit import AuditContext
    from anchorhold.ledger.policy import IssuancePolicy

AuthorityStatus: TypeAlias = Literal["pending", "active", "disabled", "abandoned"]
ResponderStatus: TypeAlias = Literal["pending", "active", "retired", "destroying", "destroyed", "forgotten"]
CLOSED: Final[tuple[ResponderStatus, ...]] = ("destroyed", "forgotten")
"""The states of responders whose keys are gone."""
NOT_REVOKED: Final = {"revoked_at": None, "revocation_reason": None}
"""What JSON has of a certificate in the place of a revocation."""
CertificateStatus: TypeAlias = Literal["reserved", "issued", "abandoned"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityRecord:
    """An authority.

    Attributes:
        id: Row number.
        name: Unique among those not abandoned.
        status: ``pending`` until its certificate is recorded.
        parent_id: The authority that signed it; None if self-signed or signed elsewhere.
        subject: Distinguished name (RFC 4514).
        serial: Serial number of its certificate, in hex.
        key_backend: Alias of its key.
        backend_type: Type of that backend when the key was made.
        key_id: 20 random octets drawn before the key was made.
        handle: The key handle as JSON, once the key exists.
        public_key: DER SubjectPublicKeyInfo, once the key exists.
        certificate: DER, once it is active.
        not_after: End of its certificate's validity.
        plan: What is needed to finish what is under way, a creation or the move of its key, as JSON.
        issuing: What it puts into what it signs.
        created_at: When it was begun.
        revision: How often it was changed, lists and their numbers apart.
    """

    id: int
    name: str
    status: AuthorityStatus
    parent_id: int | None
    subject: str
    serial: str | None
    key_backend: str
    backend_type: str
    key_id: bytes
    handle: Mapping[str, Any] | None
    public_key: bytes | None
    certificate: bytes | None
    not_after: dt.datetime | None
    plan: Mapping[str, Any] | None
    issuing: IssuancePolicy
    created_at: dt.datetime
    revision: int

    @property
    def is_begun(self) -> bool:
        """Whether its creation or the move of its key was interrupted or is under way."""
        return self.status == "pending" or (self.status != "abandoned" and self.plan is not None)

    def moved(self, *, key_backend: str, handle: Mapping[str, Any]) -> AuthorityRecord:
        """The same with its key in another place."""
        return replace(self, key_backend=key_backend, handle=handle)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """The intent to sign a certificate, recorded before the key is touched.

    Attributes:
        serial: In hex.
        profile: Name of the profile.
        subject: Distinguished name (RFC 4514).
        names: Subject alternative names, as text.
        not_before: Start of validity.
        not_after: End of validity.
        tbs: DER TBSCertificate (RFC 5280, section 4.1).
    """

    serial: str
    profile: str
    subject: str
    names: tuple[str, ...]
    not_before: dt.datetime
    not_after: dt.datetime
    tbs: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateRecord:
    """A certificate, or the intent to sign one.

    Attributes:
        id: Row number, rising in the order of reservation.
        authority_id: Its issuer.
        serial: In hex.
        status: ``reserved`` before it is signed, ``issued`` once it is recorded, ``abandoned`` if it never was.
        profile: Name of the profile.
        subject: Distinguished name (RFC 4514).
        names: Subject alternative names, as text.
        not_before: Start of validity.
        not_after: End of validity.
        tbs: DER TBSCertificate while not issued.
        certificate: DER once issued.
        reserved_at: When the intent was recorded.
        issued_at: When the certificate was recorded.
        audit: Who reserved it; None where that was not recorded.
    """

    id: int
    authority_id: int
    serial: str
    status: CertificateStatus
    profile: str
    subject: str
    names: tuple[str, ...]
    not_before: dt.datetime
    not_after: dt.datetime
    tbs: bytes | None
    certificate: bytes | None
    reserved_at: dt.datetime
    issued_at: dt.datetime | None
    audit: AuditContext | None = None

    def to_json(self) -> dict[str, Any]:
        """As JSON has it, without the certificate itself."""
        return {
            "serial": self.serial,
            "profile": self.profile,
            "subject": self.subject,
            "names": list(self.names),
            "not_before": self.not_before.isoformat(),
            "not_after": self.not_after.isoformat(),
            "issued_at": self.issued_at.isoformat() if self.issued_at else None,
        }

    def to_json_with(self, authority: str | None, revocation: RevocationRecord | None) -> dict[str, Any]:
        """The same with what the ledger has about it elsewhere; documented in docs/json.md.

        Args:
            authority: Name of its issuer; None if that is not in the ledger.
            revocation: Its revocation; None if it is not revoked.
        """
        content, revoked = self.to_json(), NOT_REVOKED if revocation is None else revocation.to_json()
        return {"serial": content.pop("serial"), "authority": authority, **content, **revoked}


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationRecord:
    """That a certificate is revoked.

    Attributes:
        id: Row number, rising in the order of revocation.
        certificate_id: Row number of the certificate.
        revoked_at: When.
        reason: Why (RFC 5280, section 5.3.1).
        invalidity_at: Since when its key may not have been trustworthy (section 5.3.2); None if unknown.
    """

    id: int
    certificate_id: int
    revoked_at: dt.datetime
    reason: str
    invalidity_at: dt.datetime | None

    def to_json(self) -> dict[str, Any]:
        """As JSON has it, beside what it has of the certificate."""
        return {"revoked_at": self.revoked_at.isoformat(), "revocation_reason": self.reason}


@dataclass(frozen=True, slots=True, kw_only=True)
class CrlState:
    """What is known of a certificate revocation list without reading its entries, which may be many.

    Attributes:
        shard: Of which shard of the certificates; None for all of them.
        number: CRL number (RFC 5280, section 5.2.3).
        this_update: When it was made.
        next_update: When the next one is due.
        last_revocation_id: Row number of the last revocation that it knows.
        expired_before: Certificates that expired before this moment (seconds since 1970) are not on it.
        rewrite_count: How often entries of the authority had been changed or taken back when it was made.
        parts: Numbers of the lists that brought its entries, in the order of these.
    """

    shard: int | None
    number: int
    this_update: dt.datetime
    next_update: dt.datetime
    last_revocation_id: int
    expired_before: int
    rewrite_count: int
    parts: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CrlRecord(CrlState):
    """A certificate revocation list.

    Attributes:
        chunks: Its DER in pieces: a list of a million entries is joined only when it is needed as one value.
    """

    chunks: tuple[bytes, ...]

    @property
    def der(self) -> bytes:
        """The list in DER, joined each time."""
        return b"".join(self.chunks)

    def to_json(self) -> dict[str, Any]:
        """As JSON has it, without the list itself."""
        return {
            "number": self.number,
            "shard": self.shard,
            "this_update": self.this_update.isoformat(),
            "next_update": self.next_update.isoformat(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponderRecord:
    """An OCSP responder of an authority: its key and its delegated certificate (RFC 6960, section 4.2.2.2).

    Attributes:
        id: Row number.
        authority_id: Of which authority.
        status: ``pending`` until its certificate is recorded, ``active`` while it answers, ``retired`` while its
            answers are about, ``destroying`` from the commit before its key is destroyed, ``destroyed`` once that is
            gone, ``forgotten`` where an operator said that it is.
        key_backend: Alias under ``ocsp_key_backends``.
        backend_type: Type of that backend when the key was made.
        key_id: 20 random octets drawn before the key was made.
        handle: The key handle as JSON, once the key exists.
        public_key: DER SubjectPublicKeyInfo, once the key exists.
        serial: Serial number of its certificate, in hex.
        certificate: DER.
        not_after: End of its certificate's validity.
        answers_until: When the last answer of a retired one runs out.
        created_at: When it was begun.
    """

    id: int
    authority_id: int
    status: ResponderStatus
    key_backend: str
    backend_type: str
    key_id: bytes
    handle: Mapping[str, Any] | None
    public_key: bytes | None
    serial: str | None
    certificate: bytes | None
    not_after: dt.datetime | None
    answers_until: dt.datetime | None
    created_at: dt.datetime

    def to_json(self) -> dict[str, Any]:
        """As JSON has it, without key handle and certificate."""
        return {
            "status": self.status,
            "key_backend": self.key_backend,
            "serial": self.serial,
            "not_after": self.not_after.isoformat() if self.not_after else None,
            "answers_until": self.answers_until.isoformat() if self.answers_until else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CrlDates:
    """When a list begins, and when the next one is due.

    Attributes:
        number: Its CRL number (RFC 5280, section 5.2.3).
        this_update: When it begins.
        next_update: When the next one is due.
    """

    number: int
    this_update: dt.datetime
    next_update: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCopy:
    """A copy of the key of an authority that was left where it was used before.

    Attributes:
        id: Row number.
        authority_id: Whose key.
        key_backend: Alias of the backend it is in.
        backend_type: Type of that backend when it was left there.
        key_id: 20 random octets drawn before it was made there.
        handle: The key handle as JSON.
        left_at: When another one was used for the first time.
    """

    id: int
    authority_id: int
    key_backend: str
    backend_type: str
    key_id: bytes
    handle: Mapping[str, Any]
    left_at: dt.datetime

    def to_json(self) -> dict[str, Any]:
        """As JSON has it, without the key handle."""
        return {"key_backend": self.key_backend, "key_id": self.key_id.hex(), "left_at": self.left_at.isoformat()}


ISSUED: Final = "certificate-issued"
"""Kind of the entry in the history that each certificate makes; an event only where a request was kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to an authority.

    Attributes:
        id: Row number.
        at: When.
        kind: Such as ``authority-created``.
        authority: Name of the authority at that time.
        serial: Serial number of the certificate, in hex; None where it is about none.
        detail: More, without secrets.
        audit: Who acted; None where that was not recorded.
    """

    id: int
    at: dt.datetime
    kind: str
    authority: str
    serial: str | None
    detail: Mapping[str, Any]
    audit: AuditContext | None


RequestStatus: TypeAlias = Literal["waiting", "reserved", "issued", "rejected"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """A request for a certificate that is kept.

    Attributes:
        id: Its number.
        authority_id: Row number of the authority that is to sign it.
        status: ``waiting`` until it is approved, ``reserved`` once its serial number and TBSCertificate are
            recorded, ``issued`` or ``rejected`` at the end.
        content: What was asked for beside the CSR.
        csr: The CSR in DER (RFC 2986).
        profile: Name of the profile.
        subject: Distinguished name that its certificate has or would have (RFC 4514).
        names: Subject alternative names that it has or would have, as text.
        serial: Serial number in hex, once reserved.
        problem: Why it was rejected, or could not be signed the last time.
        submitted_at: When it was submitted.
        changed_at: When its status changed last.
        audit: Who submitted it.
    """

    id: int
    authority_id: int
    status: RequestStatus
    content: Mapping[str, Any]
    csr: bytes
    profile: str
    subject: str
    names: tuple[str, ...]
    serial: str | None
    problem: str | None
    submitted_at: dt.datetime
    changed_at: dt.datetime
    audit: AuditContext | None

    def to_json(self) -> dict[str, Any]:
        """As JSON has it, without the CSR."""
        return {
            "number": self.id,
            "status": self.status,
            "profile": self.profile,
            "subject": self.subject,
            "names": list(self.names),
            "serial": self.serial,
            "problem": self.problem,
            "submitted_at": self.submitted_at.isoformat(),
            "changed_at": self.changed_at.isoformat(),
            "submitted_by": None if self.audit is None else self.audit.actor.to_json(),
        }
