"""Creating an authority: pending row, key, proof, certificate, active. A crash leaves a row that can be finished."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from cryptography import x509

from anchorhold.algorithms import KeySpec
from anchorhold.errors import AuthorityExistsError, InputError, KeyExistsError
from anchorhold.issuing.authority import Authority
from anchorhold.issuing.issuance import issue
from anchorhold.issuing.key import AuthorityKey
from anchorhold.issuing.undo import undo
from anchorhold.ledger import IssuingDefaults
from anchorhold.ledger.records import moment, seconds
from anchorhold.publickeys import PublicKey, spki
from anchorhold.seam.requests import CertificateAuthority, CreatedKey, CreateKeyRequest, Draft, FindKeyRequest
from anchorhold.x509.constraints import name_constraints
from anchorhold.x509.drafts import key_identifiers
from anchorhold.x509.general_names import check_urls
from anchorhold.x509.names import format_name, parse_subject
from anchorhold.x509.profiles import ISSUING_DAYS, ROOT_DAYS, extension, key_usage, url_extensions
from anchorhold.x509.serials import format_serial, new_serial
from anchorhold.x509.validity import end_of_validity, now

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from anchorhold.issuing.chain import Chain
    from anchorhold.ledger import Ledger
    from anchorhold.seam.facade import KeyBackend
    from anchorhold.seam.options import OptionValues
    from anchorhold.seam.requests import Secrets


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAuthority:
    """An authority that somebody wants.

    Attributes:
        name: Under which it is known here.
        subject: Distinguished name as text.
        spec: The kind of key.
        path_length: Path length constraint; None for none.
        expires: End of validity; by default ten years for a root, five below one, shortened to the parent's own.
        permitted: Subtrees of names that it may certify.
        excluded: Subtrees of names that it must not.
        issuing: What it puts into what it signs.
        options: Of its key backend, complete, without secrets.
    """

    name: str
    subject: str
    spec: KeySpec = field(default_factory=lambda: KeySpec(curve="secp256r1"))
    path_length: int | None = None
    expires: dt.datetime | None = None
    permitted: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    issuing: IssuingDefaults = field(default_factory=IssuingDefaults)
    options: OptionValues = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is needed to make, or to finish making, the certificate of an authority. Stored in its pending row.

    Attributes:
        spec: The kind of key.
        options: Of the key backend, without secrets.
        subject: Distinguished name (RFC 4514).
        path_length: Path length constraint.
        permitted: Subtrees of names that it may certify.
        excluded: Subtrees of names that it must not.
        not_before: Start of validity.
        not_after: End of validity.
    """

    spec: KeySpec
    options: OptionValues
    subject: str
    path_length: int | None
    permitted: tuple[str, ...]
    excluded: tuple[str, ...]
    not_before: dt.datetime
    not_after: dt.datetime

    def stored(self) -> dict[str, Any]:
        """As JSON has it."""
        values = {name: getattr(self, name) for name in ("subject", "path_length", "permitted", "excluded")}
        return {
            **values,
            "operation": "create",
            "spec": asdict(self.spec),
            "options": dict(self.options),
            "not_before": seconds(self.not_before),
            "not_after": seconds(self.not_after),
        }

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Plan:
        """The opposite of `stored`."""
        return cls(
            spec=KeySpec(**stored["spec"]),
            options=stored["options"],
            subject=stored["subject"],
            path_length=stored["path_length"],
            permitted=tuple(stored["permitted"]),
            excluded=tuple(stored["excluded"]),
            not_before=moment(stored["not_before"]),
            not_after=moment(stored["not_after"]),
        )

    def draft(self, public_key: PublicKey, parent: Authority | None) -> Draft:
        """The certificate of the authority before it is signed, by itself if there is no parent."""
        subject = parse_subject(self.subject)
        constraints = name_constraints(self.permitted, self.excluded)
        extensions = [
            extension(x509.BasicConstraints(ca=True, path_length=self.path_length), critical=True),
            extension(key_usage(("keyCertSign", "cRLSign"), public_key), critical=True),
            *([extension(constraints, critical=True)] if constraints is not None else []),
            *key_identifiers(public_key, parent.certificate if parent is not None else None),
            *(url_extensions(parent.record.issuing) if parent is not None else []),
        ]
        return Draft(
            issuer=parent.certificate.subject if parent is not None else subject,
            subject=subject,
            serial=new_serial(),
            not_before=self.not_before,
            not_after=self.not_after,
            public_key=public_key,
            extensions=tuple(extensions),
            profile="authority",
        )


@dataclass(frozen=True, slots=True)
class Parent:
    """The authority above a new one.

    Attributes:
        key: Its key.
        chain: It and those above it.
    """

    key: AuthorityKey
    chain: Chain

    @property
    def authority(self) -> Authority:
        """The authority itself."""
        return self.key.authority


def create_authority(
    ledger: Ledger,
    backend: KeyBackend,
    backend_type: str,
    secrets: Secrets,
    wanted: NewAuthority,
    parent: Parent | None,
) -> Authority:
    """Create an authority and its key.

    Args:
        ledger: Where it is recorded.
        backend: Where its key will live.
        backend_type: Type of that backend.
        secrets: For that backend.
        wanted: The authority.
        parent: What signs it; None for a root.

    Raises:
        AuthorityExistsError: The name is taken.
        PathLengthError, ValidityError, NameForbiddenError, AuthorityExpiredError: The parent cannot have such a child.
        AnchorholdError: The backend could not make the key or sign; what was made is removed again, and if it cannot
            be, the hint says so and ``recover`` finishes or removes it.
    """
    backend.capabilities.check(backend.owner, wanted.spec, wanted.spec.algorithm(wanted.issuing.hash))
    plan = make_plan(wanted, parent)
    if parent is not None:
        parent.key.open()  # a wrong password of the parent is found out before anything is made
    described = CertificateAuthority(name=wanted.name, subject=plan.subject)
    key_id = os.urandom(20)
    check_store(backend, secrets, key_id, plan.options)
    authority_id = begin(
        ledger,
        wanted.name,
        plan.stored(),
        subject=plan.subject,
        parent=parent.authority if parent is not None else None,
        key_backend=backend.alias,
        backend_type=backend_type,
        key_id=key_id,
        issuing=wanted.issuing,
    )
    request = CreateKeyRequest(key_id=key_id, spec=plan.spec, ca=described, options=plan.options)
    try:
        created = backend.create_key(request, secrets)
        return complete(ledger, backend, secrets, authority_id, created, parent)
    except Exception as error:
        undo(ledger, backend, secrets, authority_id, error)
        raise


def make_plan(wanted: NewAuthority, parent: Parent | None) -> Plan:
    """Check what is wanted against the parent, and fix every value of it."""
    subject = parse_subject(wanted.subject)
    if not subject.rdns:
        raise InputError(
            "subject: an authority needs one (RFC 5280, section 4.1.2.6)", hint="give for instance CN=Name"
        )
    name_constraints(wanted.permitted, wanted.excluded)
    check_urls(wanted.issuing.urls)
    start, limit, issuer = now(), None, wanted.name
    if parent is not None:
        above = parent.authority
        above.check_ready()
        parent.chain.check_path_length(wanted.path_length)
        parent.chain.check_names(subject, ())
        limit, issuer = above.certificate.not_valid_after_utc, above.name
    days = ROOT_DAYS if parent is None else ISSUING_DAYS
    return Plan(
        spec=wanted.spec,
        options=wanted.options,
        subject=format_name(subject),
        path_length=wanted.path_length,
        permitted=wanted.permitted,
        excluded=wanted.excluded,
        not_before=start,
        not_after=end_of_validity(start, wanted=wanted.expires, days=days, limit=limit, issuer=issuer),
    )


def begin(
    ledger: Ledger,
    name: str,
    plan: Mapping[str, Any],
    *,
    subject: str,
    parent: Authority | None,
    key_backend: str,
    backend_type: str,
    key_id: bytes,
    issuing: IssuingDefaults,
) -> int:
    """Record the intent, before a key exists; returns the row number.

    Raises:
        AuthorityExistsError: The name is taken.
    """
    check_name(name)
    with ledger.transaction():
        check_name_free(ledger, name)
        authority_id = ledger.authorities.begin(
            name=name,
            parent_id=parent.record.id if parent is not None else None,
            subject=subject,
            key_backend=key_backend,
            backend_type=backend_type,
            key_id=key_id,
            plan=plan,
            issuing=issuing,
        )
        ledger.events.append("authority-begun", name, key_id=key_id.hex(), key_backend=key_backend)
    return authority_id


def check_name(name: str) -> None:
    """Refuse a name that cannot be told from another when it is shown.

    Raises:
        InputError: It is empty, has blanks around it, or something that cannot be printed.
    """
    if not name or name != name.strip() or not name.isprintable():
        raise InputError(
            "name: is empty, or has blanks around it or control characters in it",
            hint="give the authority another name",
        )


def check_store(backend: KeyBackend, secrets: Secrets, key_id: bytes, options: OptionValues) -> None:
    """Look for a fresh key id, so that a store that cannot be used is found out before anything is recorded."""
    if backend.supports("find_key") and backend.find_key(FindKeyRequest(key_id=key_id, options=options), secrets):
        raise KeyExistsError(f"{backend.owner}: has a key of the fresh id {key_id.hex()}", hint="repeat the command")


def check_name_free(ledger: Ledger, name: str) -> None:
    """Refuse a name that an authority has; within a transaction.

    Raises:
        AuthorityExistsError: It is taken.
    """
    taken = next((found for found in ledger.authorities.known() if found.name == name), None)
    if taken is not None:
        pending = taken.status == "pending"
        raise AuthorityExistsError(
            f"authority {name!r}: exists already{', but was never completed' if pending else ''}",
            hint="finish or abandon it with `anchorhold recover`" if pending else "choose another name",
        )


def complete(
    ledger: Ledger,
    backend: KeyBackend,
    secrets: Secrets,
    authority_id: int,
    created: CreatedKey,
    parent: Parent | None,
) -> Authority:
    """From an existing key to an active authority; also what ``recover`` does."""
    record_key(ledger, authority_id, created)
    authority = Authority(ledger.authorities.get(authority_id))
    plan = Plan.of(authority.record.plan or {})
    draft = plan.draft(created.public_key, parent.authority if parent is not None else None)

    def activate(certificates: list[bytes]) -> None:
        ledger.authorities.activate(
            authority_id, serial=format_serial(draft.serial), certificate=certificates[0], not_after=draft.not_after
        )
        ledger.events.append("authority-created", authority.name, serial=format_serial(draft.serial))

    with AuthorityKey(authority, backend, secrets) as own:
        own.prove()
        issue(ledger, parent.key if parent is not None else own, [draft], activate)
    return Authority(ledger.authorities.get(authority_id))


def record_key(ledger: Ledger, authority_id: int, created: CreatedKey) -> None:
    """Record where the key of a pending authority is."""
    handle = {"version": created.handle.version, "data": dict(created.handle.data)}
    with ledger.transaction():
        ledger.authorities.record_key(authority_id, handle=handle, public_key=spki(created.public_key))
