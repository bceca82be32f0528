"""What is wanted of an authority, and the plan that fixes every value of its certificate before a key is made."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from cryptography import x509

from anchorhold.algorithms import KeySpec
from anchorhold.errors import InputError
from anchorhold.ledger import IssuingDefaults
from anchorhold.ledger.records import moment, seconds
from anchorhold.seam.requests import Draft
from anchorhold.x509.constraints import name_constraints
from anchorhold.x509.drafts import key_identifiers
from anchorhold.x509.general_names import check_urls
from anchorhold.x509.names import format_name, parse_subject
from anchorhold.x509.profiles import ISSUING_DAYS, ROOT_DAYS, extension, key_usage, url_extensions
from anchorhold.x509.serials import new_serial
from anchorhold.x509.validity import end_of_validity, now

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from anchorhold.issuing.authority import Authority
    from anchorhold.issuing.chain import Chain
    from anchorhold.publickeys import PublicKey
    from anchorhold.seam.options import OptionValues


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


def make_plan(wanted: NewAuthority, above: Chain | None) -> Plan:
    """Check what is wanted against the parent, and fix every value of it."""
    subject = parse_subject(wanted.subject)
    if not subject.rdns:
        raise InputError(
            "subject: an authority needs one (RFC 5280, section 4.1.2.6)", hint="give for instance CN=Name"
        )
    name_constraints(wanted.permitted, wanted.excluded)
    check_urls(wanted.issuing.urls)
    start, limit, issuer = now(), None, wanted.name
    if above is not None:
        parent = above.issuer
        parent.check_ready()
        above.check_path_length(wanted.path_length)
        above.check_names(subject, ())
        limit, issuer = parent.certificate.not_valid_after_utc, parent.name
    days = ROOT_DAYS if above is None else ISSUING_DAYS
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
