"""What a certificate, an authority or a key file has that a program may refuse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from anchorhold.advice.constraint_rows import ALL_KINDS
from anchorhold.errors import KeyUnsupportedError
from anchorhold.parser_errors import attempt
from anchorhold.public_keys import spec_of
from anchorhold.x509.ber import read_one
from anchorhold.x509.general_names import kind_of
from anchorhold.x509.signatures import hash_of_signature
from anchorhold.x509.validity import LATEST

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from anchorhold.advice.row import Case
    from anchorhold.algorithms import Algorithm, KeySpec

_NAMED_KINDS: Final = {"IP", "email", "URI"}
"""Kinds of names of which a subtree is looked at only with a certificate that has one of them."""
_PSS: Final = "RSA with PSS"
_SIGNED_BY: Final = {
    "1.2.840.113549.1.1.10": _PSS,
    "1.3.101.112": "Ed25519",
    "1.3.101.113": "Ed448",
    "2.16.840.1.101.3.4.3.17": "ML-DSA-44",
    "2.16.840.1.101.3.4.3.18": "ML-DSA-65",
    "2.16.840.1.101.3.4.3.19": "ML-DSA-87",
}
"""Algorithms of signatures that say which key has made them."""
_ECDSA: Final = ("1.2.840.10045.4.", *(f"2.16.840.1.101.3.4.3.{number}" for number in (9, 10, 11, 12)))


@dataclass(frozen=True, slots=True)
class Feature:
    """One thing that programs were tried with, or were not.

    Attributes:
        case: What is refused because of it.
        what: Its name, as a row of the table has it.
    """

    case: Case
    what: str


ENDLESS: Final = Feature("certificate", "validity until 99991231235959Z")
PARTIAL_LISTS: Final = Feature("list", "partial CRL")


def signing(spec: KeySpec, algorithm: Algorithm, case: Case = "authority") -> Iterator[Feature]:
    """Of whatever such a key signs by that algorithm."""
    pss = algorithm.scheme == "rsa-pss"
    yield Feature(case, _PSS if pss else _named(spec))
    if algorithm.hash is not None and algorithm.hash != spec.default_hash():
        yield Feature(case, f"{_PSS} and {algorithm.hash}" if pss else f"{spec.type} with {algorithm.hash}")


def of_certificate(certificate: x509.Certificate, names: Collection[str] | None = None) -> Iterator[Feature]:
    """Of a certificate, of an authority or not: its content, and the signature on it.

    Args:
        certificate: The certificate.
        names: Kinds of the names in a certificate below it; None for whatever it may certify.
    """
    key, _ = attempt(certificate.public_key)
    yield from of_content(certificate.extensions, certificate.not_valid_after_utc, key, names)
    if certificate.issuer != certificate.subject:
        yield from of_signature(certificate)


def of_own_signature(certificate: x509.Certificate, signs: Collection[Feature]) -> Iterator[Feature]:
    """Of the signature of a root on itself, where it signs otherwise now: whether that matters was not measured."""
    if certificate.issuer == certificate.subject:
        other = (feature.what for feature in of_signature(certificate) if feature not in signs)
        yield from (Feature("authority", f"{what} on the root alone") for what in other)


def of_content(
    extensions: Iterable[x509.Extension[x509.ExtensionType]],
    not_after: dt.datetime,
    key: object,
    names: Collection[str] | None = None,
) -> Iterator[Feature]:
    """Of a certificate before it is signed; as for `of_certificate`."""
    known = {type(extension.value): extension for extension in extensions}
    values = {kind: extension.value for kind, extension in known.items()}
    yield _key(key, ca=_is_of_authority(values))
    if not_after == LATEST:
        yield ENDLESS
    constraints = values.get(x509.NameConstraints)
    if constraints is not None:
        critical = known[x509.NameConstraints].critical
        yield from of_constraints(cast("x509.NameConstraints", constraints), names, critical=critical)
    if x509.TLSFeatureType.status_request in cast("x509.TLSFeature", values.get(x509.TLSFeature, ())):
        yield Feature("certificate", "must-staple")


def of_signature(certificate: x509.Certificate) -> Iterator[Feature]:
    """Of the authority that has signed a certificate, as far as the algorithm tells."""
    oid = certificate.signature_algorithm_oid.dotted_string
    digest = hash_of_signature(read_one(certificate.public_bytes(Encoding.DER)).member(1))
    if oid in _SIGNED_BY:
        yield Feature("authority", _SIGNED_BY[oid])
    if digest is not None and digest.startswith(("SHA3-", "SHA-1", "MD")):
        known = _SIGNED_BY.get(oid)
        key = "EC" if oid.startswith(_ECDSA) else "RSA"
        yield Feature("authority", f"{known} and {digest}" if known else f"{key} with {digest}")


def of_constraints(
    constraints: x509.NameConstraints, names: Collection[str] | None, *, critical: bool = True
) -> Iterator[Feature]:
    """Of name constraints; as for `of_certificate`."""
    if not critical:
        yield Feature("authority", "uncritical name constraints")
        return
    yield Feature("authority", "critical name constraints")
    permitted = {kind_of(name) for name in constraints.permitted_subtrees or ()}
    excluded = {kind_of(name) for name in constraints.excluded_subtrees or ()}
    for way, kinds in (("permitted", permitted), ("excluded", excluded)):
        for kind in sorted(kinds):
            if names is None or kind not in _NAMED_KINDS or kind in names:
                yield Feature("authority", f"{way} {kind}")
    if permitted >= ALL_KINDS and (names is None or frozenset(names) >= ALL_KINDS):
        yield Feature("authority", "permitted names of five kinds")


def kinds_in(extensions: Iterable[x509.Extension[x509.ExtensionType]]) -> frozenset[str] | None:
    """Kinds of the alternative names of a certificate; None for one of an authority, which may certify any."""
    values = {type(extension.value): extension.value for extension in extensions}
    if _is_of_authority(values):
        return None
    names = cast("x509.SubjectAlternativeName", values.get(x509.SubjectAlternativeName, ()))
    return frozenset(kind_of(name) for name in names)


def _is_of_authority(values: Mapping[type[x509.ExtensionType], x509.ExtensionType]) -> bool:
    basic = values.get(x509.BasicConstraints)
    return basic is not None and cast("x509.BasicConstraints", basic).ca


def _key(key: object, *, ca: bool) -> Feature:
    """The kind of the key in a certificate."""
    try:
        spec = spec_of(key)
    except KeyUnsupportedError:
        kind, of_authority = "unknown", "unknown kind of key"
    else:
        kind, of_authority = spec.type, _named(spec)
    return Feature("authority", of_authority) if ca else Feature("certificate", f"{kind} key of the holder")


def _named(spec: KeySpec) -> str:
    return " ".join(filter(None, (spec.type, spec.curve)))
