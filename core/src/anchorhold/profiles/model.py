"""What may stand in a profile: the content of certificates for a purpose, and what a request may add to it.

Names, subtrees and DER are read here only to see that they can be; that imports ``cryptography``, and only for profiles
that have any.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self, get_args

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from anchorhold.errors import AnchorholdError
from anchorhold.section import Section
from anchorhold.x509.durations import DurationIn
from anchorhold.x509.known_oids import EXTENSIONS, POLICIES, PURPOSES, dotted
from anchorhold.x509.validity import BACKDATE, MAX_DAYS

if TYPE_CHECKING:
    from collections.abc import Callable

KeyUsageName = Literal[
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
]
"""Bits of the key usage extension (RFC 5280, section 4.2.1.3)."""

NameKind = Literal["DNS", "IP", "email", "URI", "dirname", "RID", "other"]
"""Kinds of alternative names (RFC 5280, section 4.2.1.6)."""

TlsFeatureName = Literal["status_request", "status_request_v2"]
"""TLS features (RFC 7633); ``status_request`` is what is called must-staple."""

MAX_PATH_LENGTH: Final = 9_999
"""The greatest path length that is not ``none``."""

_ALONE_AND_CRITICAL: Final = "timeStamping"
_COPYABLE: Final = ("tlsfeature",)
"""Of the extensions that have settings, those that may be copied as they are."""


def _readable(read: Callable[[Any], object]) -> AfterValidator:
    """Check that a text can be read, and leave it as it is."""
    return AfterValidator(_checked(read))


def _checked(read: Callable[[Any], object]) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        try:
            read(value)
        except AnchorholdError as error:
            raise ValueError(error.problem) from error
        return value

    return check


def _subject(text: str) -> object:
    from anchorhold.x509.names import parse_subject

    return parse_subject(text)


def _attribute(name: str) -> object:
    from anchorhold.x509.names import attribute_oid

    return attribute_oid(name)


def _subtree(text: str) -> object:
    from anchorhold.x509.name_constraints import parse_subtree

    return parse_subtree(text)


def _nothing_left(profile: ProfileSettings) -> bool:
    if not (profile.permitted_names and profile.excluded_names):
        return False
    from anchorhold.x509.name_constraints import fully_excluded

    return fully_excluded(profile.permitted_names, profile.excluded_names) is not None


def _copied_names(text: str) -> object:
    kind, colon, value = text.partition(":")
    if colon and not value.strip():
        raise ValueError(f"write {kind} for all names of that kind")
    return text if text in get_args(NameKind) else _subtree(text)


def _uri(text: str) -> object:
    from anchorhold.x509.general_names import parse_alt

    return parse_alt(f"URI:{text}")


def _hex(text: str) -> bytes:
    from anchorhold.x509.der import is_der

    try:
        data = bytes.fromhex(text.replace(":", ""))
    except ValueError:
        raise ValueError("is not hex, such as 30:03:02:01:2a") from None
    if not is_der(data):
        raise ValueError("is not one DER value")
    return data


def _own_extension(oid: str) -> str:
    name = next((name for name, identifier in EXTENSIONS.items() if oid in (name, identifier)), None)
    if name is not None:
        raise ValueError(f"{name} has a setting of its own")
    return dotted(oid, {}, "an extension")


def _copied_extension(name: str) -> str:
    return name if name in _COPYABLE else _own_extension(name)


def _copied_subject(value: object) -> None:
    """Before the type is looked at, for of a choice of two pydantic says what is wrong with the first."""
    if isinstance(value, bool):
        return
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        raise ValueError('is not true, and not a list of attributes such as ["CN"]')
    for name in value:
        _attribute(name)


Purpose = Annotated[str, _readable(lambda name: dotted(name, PURPOSES, "a key purpose"))]
Policy = Annotated[str, _readable(lambda name: dotted(name, POLICIES, "a certificate policy"))]
CustomOid = Annotated[str, AfterValidator(_own_extension)]
CopiedExtension = Annotated[str, AfterValidator(_copied_extension)]
Subtree = Annotated[str, _readable(_subtree)]
Uri = Annotated[str, _readable(_uri)]
Days = Annotated[int, Field(ge=1, le=MAX_DAYS, strict=True), DurationIn("d")]
Minutes = Annotated[int, Field(ge=0, le=7 * 24 * 60, strict=True), DurationIn("m")]


class PolicySettings(Section):
    """A certificate policy (RFC 5280, section 4.2.1.4).

    Attributes:
        oid: Dotted object identifier, or ``anyPolicy``.
        cps: URLs of the certification practice statement.
        notice: Text shown to relying parties.
    """

    oid: Policy
    cps: tuple[Uri, ...] = ()
    notice: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None


class ExtensionSettings(Section):
    """An extension that has no setting of its own.

    Attributes:
        oid: Dotted object identifier.
        critical: Whether programs that do not know it must refuse the certificate.
        der: Its value as DER, in hex, with colons or without.
        text: Its value as a text, encoded as UTF8String; instead of ``der``.
    """

    oid: CustomOid
    critical: bool = False
    der: Annotated[str, _readable(_hex)] | None = None
    text: str | None = None

    @model_validator(mode="after")
    def _one_value(self) -> Self:
        if (self.der is None) == (self.text is None):
            raise ValueError("give the value as der or as text")
        return self


class CopySettings(Section):
    """What is copied from a request, each thing by its own rule; what no rule names is not copied.

    Attributes:
        subject: Attributes of the subject, such as ``CN``; true for the whole of it.
        alt: Alternative names: kinds (``DNS``) or subtrees (``DNS:example.com``, ``IP:192.0.2.0/24``).
        extended_key_usage: Key purposes that a request may add.
        extensions: Extensions taken as they are: ``tlsfeature``, or those that have no setting, by dotted identifier.
    """

    subject: Annotated[bool | tuple[str, ...], BeforeValidator(_checked(_copied_subject))] = False
    alt: tuple[Annotated[str, _readable(_copied_names)], ...] = ()
    extended_key_usage: tuple[Purpose, ...] = ()
    extensions: tuple[CopiedExtension, ...] = ()


def _by_oid(policy: Any) -> Any:
    return {"oid": policy} if isinstance(policy, str) else policy


class ProfileSettings(Section):
    """``profiles.<name>``: what certificates for a purpose look like (RFC 5280, section 4.2).

    Attributes:
        description: One sentence.
        subject: Attributes that every subject has unless one is given, such as ``O=Example,C=AT``.
        key_usage: Key usage; what a key of its type cannot do is left out.
        extended_key_usage: Names such as ``serverAuth`` or dotted object identifiers.
        extended_key_usage_critical: Whether programs must honour them.
        ca: Whether the holder is an authority.
        path_length: Path length constraint, for authorities.
        permitted_names: Subtrees of names that it may certify, for authorities (section 4.2.1.10).
        excluded_names: Subtrees of names that it must not certify, for authorities.
        policies: Certificate policies, dotted or with ``cps`` and ``notice``; by default those of the authority.
        tls_features: ``status_request`` for must-staple (RFC 7633).
        extensions: Others, by object identifier.
        days: Validity in days, shortened to what the authority allows.
        max_days: The longest validity that may be asked for.
        backdate_minutes: How long before its signing a certificate becomes valid, for clocks that are behind.
        names_required: Whether an alternative name must be given.
        name_kinds: Kinds of alternative names it may have; by default all.
        copy_rules: What is copied from a request (``copy`` in the file).
        ocsp_no_check: Whether id-pkix-ocsp-nocheck (RFC 6960, section 4.2.2.2.1) is added.
        revocation_urls: Whether CRL and AIA URLs of the authority are added.
    """

    description: str = ""
    subject: Annotated[str, _readable(_subject)] = ""
    key_usage: Annotated[tuple[KeyUsageName, ...], Field(min_length=1)] = ("digitalSignature", "keyEncipherment")
    extended_key_usage: tuple[Purpose, ...] = ()
    extended_key_usage_critical: bool = False
    ca: bool = False
    path_length: Annotated[int, Field(ge=0, le=MAX_PATH_LENGTH, strict=True)] | None = None
    permitted_names: tuple[Subtree, ...] = ()
    excluded_names: tuple[Subtree, ...] = ()
    policies: tuple[Annotated[PolicySettings, BeforeValidator(_by_oid)], ...] = ()
    tls_features: tuple[TlsFeatureName, ...] = ()
    extensions: tuple[ExtensionSettings, ...] = ()
    days: Days = 90
    max_days: Days | None = None
    backdate_minutes: Minutes = BACKDATE // dt.timedelta(minutes=1)
    names_required: bool = False
    name_kinds: tuple[NameKind, ...] = ()
    copy_rules: Annotated[CopySettings, Field(alias="copy")] = CopySettings()
    ocsp_no_check: bool = False
    revocation_urls: bool = True

    def stored(self) -> dict[str, Any]:
        """As JSON has it, to be read again by ``model_validate``."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for wrong, sentence in _contradictions(self):
            if wrong:
                raise ValueError(sentence)
        return self


def _contradictions(profile: ProfileSettings) -> tuple[tuple[bool, str], ...]:
    """What must not be true of a profile, each with the sentence that says so."""
    purposes = [dotted(name, PURPOSES, "") for name in profile.extended_key_usage]
    policies = [dotted(policy.oid, POLICIES, "") for policy in profile.policies]
    extensions = [extension.oid for extension in profile.extensions]
    copied = {dotted(name, PURPOSES, "") for name in profile.copy_rules.extended_key_usage}
    constrained = bool(profile.permitted_names or profile.excluded_names)
    stamping = PURPOSES[_ALONE_AND_CRITICAL] in purposes
    return (
        # An authority signs certificates, and nobody else does (RFC 5280, sections 4.2.1.3 and 4.2.1.9, 4.2.1.10).
        (profile.ca != ("keyCertSign" in profile.key_usage), "ca = true and the key usage keyCertSign go together"),
        (profile.path_length is not None and not profile.ca, "path_length is for ca = true only"),
        (constrained and not profile.ca, "permitted_names and excluded_names are for ca = true only"),
        (_nothing_left(profile), "permitted_names has what excluded_names excludes"),
        (profile.names_required and profile.ca, "names_required is not for ca = true"),
        (len(set(purposes)) < len(purposes), "extended_key_usage names a purpose twice"),
        (profile.extended_key_usage_critical and not purposes, "extended_key_usage_critical needs extended_key_usage"),
        (
            profile.extended_key_usage_critical and PURPOSES["anyExtendedKeyUsage"] in {*purposes, *copied},
            "anyExtendedKeyUsage cannot be critical",  # section 4.2.1.12
        ),
        (
            stamping and (len(purposes) > 1 or not profile.extended_key_usage_critical),
            "timeStamping must be the only purpose, with extended_key_usage_critical = true",  # RFC 3161, section 2.3
        ),
        (stamping and bool(copied), "timeStamping must be the only purpose"),
        (
            PURPOSES[_ALONE_AND_CRITICAL] in copied,
            "timeStamping must be the only purpose and critical, so it is not for copy.extended_key_usage",
        ),
        (
            profile.ocsp_no_check and PURPOSES["OCSPSigning"] not in purposes,
            "ocsp_no_check needs the purpose OCSPSigning",
        ),
        (len(set(policies)) < len(policies), "policies names a policy twice"),  # section 4.2.1.4
        (len(set(profile.tls_features)) < len(profile.tls_features), "tls_features names a feature twice"),
        (len(set(extensions)) < len(extensions), "extensions has an extension twice"),  # section 4.2
        (profile.max_days is not None and profile.days > profile.max_days, "days is more than max_days"),
    )
