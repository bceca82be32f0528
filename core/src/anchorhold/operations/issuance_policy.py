"""What an authority puts into what it signs: checked, and spelled as the standards do, before it is recorded."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from anchorhold.algorithms import RSA_PADDINGS
from anchorhold.errors import InputError, KeyUnsupportedError, NotAcceptedError
from anchorhold.ledger.policy import OCSP_UNKNOWN, SHARD
from anchorhold.profiles import find_default_profile
from anchorhold.remedy import Remedy
from anchorhold.x509.certificates import is_pss_only
from anchorhold.x509.csr_keys import pss_hash
from anchorhold.x509.general_names import check_urls, parse_alt
from anchorhold.x509.hosts import check_hostname
from anchorhold.x509.known_oids import POLICIES, dotted
from anchorhold.x509.lenient_certificates import public_key_info
from anchorhold.x509.validity import MAX_DAYS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography import x509

    from anchorhold.algorithms import KeySpec
    from anchorhold.ledger import IssuancePolicy
    from anchorhold.profiles import ProfileSettings


MAX_SHARDS: Final = 4_096


def checked_policy(
    issuing: IssuancePolicy,
    spec: KeySpec,
    profiles: Mapping[str, ProfileSettings],
    certificate: x509.Certificate | None = None,
) -> IssuancePolicy:
    """The same in standard spelling, and with the padding and the hash that its certificate binds the key to.

    Args:
        issuing: As given.
        spec: The kind of the authority's key.
        profiles: Those of the settings.
        certificate: The authority's own, if it has one already.

    Raises:
        NameForbiddenError: A URL or alternative name is not one.
        KeyUnsupportedError: Such a key does not sign with that hash or padding.
        UnknownProfileError: There is no such profile.
        ProfileRefusedError: It is one that makes authorities.
        InputError: A policy is not an object identifier, the maximum validity is out of range, or the OCSP
            status is not known.
    """
    check_urls(issuing.urls)
    for name in issuing.issuer_alt:
        parse_alt(name)
    for policy in issuing.policies:
        _check_policy(policy)
    if issuing.profile is not None:
        find_default_profile(issuing.profile, profiles)
    if issuing.hostname is not None:
        check_hostname(issuing.hostname)
    _check_shards(issuing)
    if issuing.ocsp_unknown not in OCSP_UNKNOWN:
        raise InputError(
            f"OCSP status of unissued certificates: {issuing.ocsp_unknown!r} is not a status",
            hint=f"give {', '.join(OCSP_UNKNOWN[:-1])} or {OCSP_UNKNOWN[-1]}",
        )
    if issuing.max_days is not None and not 1 <= issuing.max_days <= MAX_DAYS:
        raise InputError(f"maximum validity: {issuing.max_days} days is out of range", hint=f"give 1 to {MAX_DAYS:,}")
    if certificate is not None and is_pss_only(certificate):
        bound = pss_hash(public_key_info(certificate))
        issuing = replace(issuing, rsa_padding=_only_pss(issuing.rsa_padding), hash=_only(issuing.hash, bound, spec))
    algorithm = spec.algorithm(issuing.hash, issuing.rsa_padding)
    padding = next((name for name, scheme in RSA_PADDINGS.items() if scheme == algorithm.scheme), None)
    return replace(
        issuing,
        policies=tuple(dict.fromkeys(issuing.policies)),
        hash=issuing.hash and algorithm.hash,
        rsa_padding=issuing.rsa_padding and padding,
    )


def check_chosen_hash(issuing: IssuancePolicy, spec: KeySpec, before: str | None = None) -> None:
    """Refuse SHA-3 for EC keys; what an authority has already stays.

    Args:
        issuing: In standard spelling.
        spec: The kind of the authority's key.
        before: The hash that it has had.

    Raises:
        NotAcceptedError: It is that combination; the table of `anchorhold.advice` says who refuses it.
    """
    chosen = issuing.hash or ""
    if spec.type == "EC" and chosen.startswith("SHA3") and chosen != before:
        raise NotAcceptedError(
            f"algorithm {chosen}: with EC keys it is refused by most programs, OpenSSL 3.0, Go, NSS and Node.js among "
            "them",
            hint="use SHA-256, SHA-384 or SHA-512, or insist on it",
            remedy=Remedy("options.even_so"),
        )


def _only_pss(padding: str | None) -> str:
    if (padding or "pss").lower() != "pss":
        raise KeyUnsupportedError(
            f"RSA padding {padding!r}: the certificate restricts its key to pss", hint="leave it out"
        )
    return "pss"


def _only(wanted: str | None, bound: str | None, spec: KeySpec) -> str | None:
    """The hash that a key bound to one signs with; openssl and GnuTLS refuse others (RFC 4055, section 3.3)."""
    if bound is not None and wanted is not None and spec.algorithm(wanted).hash != bound:
        raise KeyUnsupportedError(
            f"algorithm {wanted!r}: the certificate restricts its key to {bound}", hint="leave it out"
        )
    return wanted if bound is None else bound


def _check_shards(issuing: IssuancePolicy) -> None:
    """Each list has a URL of its own, or there is only one list."""
    numbered = [SHARD in url for url in issuing.crl_urls]
    shards = issuing.crl_shards
    published = issuing.hostname is not None and all(numbered)
    if not any(numbered) and shards is None:
        return
    if not (published or (numbered and all(numbered))) or shards is None or not 1 <= shards <= MAX_SHARDS:
        raise InputError(
            f"CRL shards: a number from 1 to {MAX_SHARDS} requires a hostname, or CRL URLs that each contain {SHARD}",
            hint=f"set for example 16 shards and the CRL URL http://crl.example.com/ca/{SHARD}.crl",
        )


def _check_policy(policy: str) -> None:
    try:
        dotted(policy, POLICIES, "a certificate policy")
    except ValueError as error:
        raise InputError(f"policy: {error}", hint="give for example 1.3.6.1.4.1.99999.1") from error
