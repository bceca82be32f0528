"""The columns that a row of each table is read from, with their types: peewee gives rows as `Any`, which ends here.

For annotations alone; no program imports this module. Only columns that are read into records stand here.
"""

from typing import Protocol, TypeAlias

from anchorhold.ledger.records import AuthorityStatus, CertificateStatus, ResponderStatus

Octets: TypeAlias = bytes | memoryview
"""SQLite gives bytes, PostgreSQL a view of them."""


class AuthorityRow(Protocol):
    """A row of the authorities."""

    id: int
    name: str
    status: AuthorityStatus
    parent_id: int | None
    subject: str
    serial: str | None
    key_backend: str
    backend_type: str
    key_id: Octets
    handle: str | None
    public_key: Octets | None
    certificate: Octets | None
    not_after: int | None
    plan: str | None
    issuing: str
    created_at: int
    revision: int


class CertificateRow(Protocol):
    """A row of the certificates."""

    id: int
    authority_id: int
    serial: str
    status: CertificateStatus
    profile: str
    subject: str
    names: str
    not_before: int
    not_after: int
    tbs: Octets | None
    certificate: Octets | None
    reserved_at: int
    issued_at: int | None


class RevocationRow(Protocol):
    """A row of the revocations."""

    id: int
    certificate_id: int
    revoked_at: int
    reason: str
    invalidity_at: int | None


class CrlRow(Protocol):
    """A row of the CRLs."""

    shard: int | None
    number: int
    this_update: int
    next_update: int
    upto: int
    floor: int
    rewrites: int
    parts: str
    head: Octets
    tail: Octets


class ResponderRow(Protocol):
    """A row of the OCSP responders."""

    id: int
    authority_id: int
    status: ResponderStatus
    key_backend: str
    backend_type: str
    key_id: Octets
    handle: str | None
    public_key: Octets | None
    serial: str | None
    certificate: Octets | None
    not_after: int | None
    answers_until: int | None
    created_at: int


class ClaimRow(Protocol):
    """A row of the claims."""

    subject: str
    holder: str
    work: str
    host: str
    process: int
    life: str
    until: int


class KeyCopyRow(Protocol):
    """A row of the copies of keys."""

    id: int
    authority_id: int
    key_backend: str
    backend_type: str
    key_id: Octets
    handle: str
    left_at: int
