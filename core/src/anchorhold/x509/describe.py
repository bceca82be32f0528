"""A certificate in words, for people (text) and for programs (a stable structure for JSON)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes

from anchorhold.errors import KeyUnsupportedError
from anchorhold.parser_errors import printable
from anchorhold.public_keys import spec_of
from anchorhold.x509.certificates import is_pss_only
from anchorhold.x509.general_names import format_general_name
from anchorhold.x509.known_oids import USAGE_FIELDS
from anchorhold.x509.names import format_name
from anchorhold.x509.oid_names import extension_name, policy_name, purpose_name
from anchorhold.x509.serials import format_serial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


def describe(certificate: x509.Certificate) -> dict[str, Any]:
    """The content of a certificate, for JSON. Times are ISO 8601 in UTC, octets lower-case hex."""
    digest = certificate.signature_hash_algorithm
    return {
        "subject": format_name(certificate.subject),
        "issuer": format_name(certificate.issuer),
        "serial": format_serial(certificate.serial_number),
        "not_before": certificate.not_valid_before_utc.isoformat(),
        "not_after": certificate.not_valid_after_utc.isoformat(),
        "key": f"{_key(certificate)}{', for RSASSA-PSS only' if is_pss_only(certificate) else ''}",
        "signature_algorithm": certificate.signature_algorithm_oid._name,  # noqa: SLF001
        "signature_hash": digest.name if digest is not None else None,
        "fingerprint_sha256": certificate.fingerprint(hashes.SHA256()).hex(),
        "extensions": describe_extensions(certificate.extensions),
    }


def describe_extensions(extensions: Iterable[x509.Extension[x509.ExtensionType]]) -> dict[str, Any]:
    """Extensions by name, or by dotted identifier, for JSON."""
    return {
        extension_name(extension.oid): {"critical": extension.critical, "value": _value(extension.value)}
        for extension in extensions
    }


def extension_lines(extensions: Mapping[str, Any]) -> Iterator[str]:
    """What `describe_extensions` gives, a line for each, for people."""
    for name, extension in extensions.items():
        yield f"  {name}{' (critical)' if extension['critical'] else ''}: {_inline(extension['value'])}"


def as_text(certificate: x509.Certificate, more: Iterable[tuple[str, str]] = ()) -> str:
    """The content of a certificate, for people.

    Args:
        certificate: The certificate.
        more: Lines to put first, as (label, value).
    """
    content = describe(certificate)
    rows = [
        *more,
        ("Subject", content["subject"] or "(empty)"),
        ("Issuer", content["issuer"]),
        ("Serial", content["serial"]),
        ("Valid from", f"{certificate.not_valid_before_utc:%Y-%m-%d %H:%M:%S} UTC"),
        ("Valid until", f"{certificate.not_valid_after_utc:%Y-%m-%d %H:%M:%S} UTC"),
        ("Key", content["key"]),
        ("Signature", content["signature_algorithm"]),
        ("SHA-256", content["fingerprint_sha256"]),
    ]
    lines = [f"{label + ':':<13}{value}" for label, value in rows]
    lines += ["Extensions:", *extension_lines(content["extensions"])]
    return "\n".join(map(printable, lines))


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}={_inline(part)}" for name, part in value.items() if part not in (None, []))
    if isinstance(value, list):
        return ", ".join(_inline(part) for part in value)
    return str(value)


def _value(value: x509.ExtensionType) -> Any:
    formatter = _FORMATTERS.get(type(value))
    return formatter(value) if formatter is not None else value.public_bytes().hex()


def _key(certificate: x509.Certificate) -> str:
    """The kind of its key; of one that is not used here, its object identifier."""
    try:
        return str(spec_of(certificate.public_key()))
    except (KeyUnsupportedError, UnsupportedAlgorithm, ValueError):
        return certificate.public_key_algorithm_oid.dotted_string


def _policy(policy: x509.PolicyInformation) -> dict[str, Any]:
    qualifiers = policy.policy_qualifiers or []
    notices = [part.explicit_text for part in qualifiers if isinstance(part, x509.UserNotice)]
    return {
        "oid": policy_name(policy.policy_identifier),
        "cps": [part for part in qualifiers if isinstance(part, str)],
        "notices": [notice for notice in notices if notice is not None],
    }


def _names(names: Iterable[x509.GeneralName] | None) -> list[str]:
    return [format_general_name(name) for name in names or ()]


def _key_usage(usage: x509.KeyUsage) -> list[str]:
    return [name for name, field in USAGE_FIELDS.items() if getattr(usage, field)]


def _access(access: x509.AuthorityInformationAccess) -> dict[str, list[str]]:
    places: dict[str, list[str]] = {}
    for description in access:
        method = {"OCSP": "ocsp", "caIssuers": "issuers"}.get(description.access_method._name, "other")  # noqa: SLF001
        places.setdefault(method, []).append(format_general_name(description.access_location))
    return places


_FORMATTERS: Final[dict[type[Any], Callable[[Any], Any]]] = {
    x509.BasicConstraints: lambda value: {"ca": value.ca, "path_length": value.path_length},
    x509.KeyUsage: _key_usage,
    x509.ExtendedKeyUsage: lambda value: [purpose_name(oid) for oid in value],
    x509.SubjectAlternativeName: _names,
    x509.IssuerAlternativeName: _names,
    x509.CertificatePolicies: lambda value: [_policy(policy) for policy in value],
    x509.TLSFeature: lambda value: [feature.name for feature in value],
    x509.SubjectKeyIdentifier: lambda value: value.digest.hex(),
    x509.AuthorityKeyIdentifier: lambda value: value.key_identifier.hex() if value.key_identifier else None,
    x509.NameConstraints: lambda value: {
        "permitted": _names(value.permitted_subtrees),
        "excluded": _names(value.excluded_subtrees),
    },
    x509.AuthorityInformationAccess: _access,
    x509.CRLDistributionPoints: lambda value: [name for point in value for name in _names(point.full_name)],
    x509.OCSPNoCheck: lambda _: True,
}
