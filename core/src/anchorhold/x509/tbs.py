"""From a draft to a TBSCertificate, and from that and a signature to a certificate."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha1
from typing import TYPE_CHECKING, Final

from cryptography import x509

from anchorhold.public_keys import spki
from anchorhold.x509.certificates import key_bits, public_key_info
from anchorhold.x509.der import SEQUENCE, members, signed, tlv
from anchorhold.x509.draft import Draft
from anchorhold.x509.to_be_signed import to_be_signed

if TYPE_CHECKING:
    from anchorhold.algorithms import Algorithm
    from anchorhold.public_keys import PublicKey

_ALGORITHM: Final = 3
"""Members of a TBSCertificate up to the algorithm of its signature (RFC 5280, section 4.1)."""
_ISSUER: Final = 4
"""Members up to the issuer's name."""
_PUBLIC_KEY: Final = 7
"""Members up to the subject's public key."""


def key_identifiers(public_key: PublicKey, issuer: x509.Certificate | None) -> list[x509.Extension[x509.ExtensionType]]:
    """Subject and authority key identifier (RFC 5280, sections 4.2.1.1 and 4.2.1.2).

    Args:
        public_key: Of the certificate to be.
        issuer: The issuer's certificate; None for a root, which is its own.
    """
    subject = x509.SubjectKeyIdentifier.from_public_key(public_key)
    if issuer is None:
        authority = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(subject)
    else:
        authority = authority_key_identifier(issuer)
    return [x509.Extension(value.oid, False, value) for value in (subject, authority)]


@lru_cache(64)  # an issuer signs many
def authority_key_identifier(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    """What an issuer puts into all it signs: its own subject key identifier, or one made of its key."""
    try:
        found = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        digest = sha1(key_bits(public_key_info(issuer)), usedforsecurity=False).digest()  # as others see the key
        return x509.AuthorityKeyIdentifier(digest, None, None)
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(found)


def capture_tbs(draft: Draft, issuer_key: PublicKey, algorithm: Algorithm) -> bytes:
    """The TBSCertificate that will be signed (DER), made without any private key."""
    builder = x509.CertificateBuilder(
        issuer_name=draft.issuer,
        subject_name=draft.subject,
        public_key=draft.public_key,
        serial_number=draft.serial,
        not_valid_before=draft.not_before.replace(tzinfo=None),
        not_valid_after=draft.not_after.replace(tzinfo=None),
        extensions=list(draft.extensions),
    )
    tbs = to_be_signed(builder, issuer_key, algorithm)
    if draft.public_key_info is not None:  # cryptography has but one for each key
        tbs = replace_member(tbs, _PUBLIC_KEY, draft.public_key_info)
    return tbs if draft.issuer_octets is None else replace_member(tbs, _ISSUER, draft.issuer_octets)


def read_draft(tbs: bytes, profile: str) -> Draft:
    """The draft whose TBSCertificate was recorded: the opposite of `capture_tbs`.

    Args:
        tbs: From `capture_tbs`.
        profile: Name of the profile it was made by.
    """
    found = x509.load_der_x509_certificate(assemble_certificate(tbs, b"\x00"))
    key: PublicKey = found.public_key()  # type: ignore[assignment]  # checked before it was drafted
    info, issuer = (tbs[slice(*members(tbs, count)[-2:])] for count in (_PUBLIC_KEY, _ISSUER))
    return Draft(
        issuer=found.issuer,
        subject=found.subject,
        serial=found.serial_number,
        not_before=found.not_valid_before_utc,
        not_after=found.not_valid_after_utc,
        public_key=key,
        extensions=tuple(found.extensions),
        profile=profile,
        public_key_info=None if info == spki(key) else info,
        issuer_octets=None if issuer == found.issuer.public_bytes() else issuer,
    )


def tbs_algorithm(tbs: bytes) -> bytes:
    """The AlgorithmIdentifier in a TBSCertificate (RFC 5280, section 4.1.2.3), in DER."""
    *_, begin, end = members(tbs, _ALGORITHM)
    return tbs[begin:end]


def assemble_certificate(tbs: bytes, signature: bytes) -> bytes:
    """The Certificate (RFC 5280, section 4.1), in DER.

    Args:
        tbs: The TBSCertificate, from `capture_tbs`, as recorded.
        signature: Over it, in the form X.509 has it.
    """
    return b"".join(signed(tbs, tbs_algorithm(tbs), signature))


def replace_member(tbs: bytes, count: int, octets: bytes) -> bytes:
    """The same with something else as the last of its first N members, in DER."""
    first, *_, begin, end = members(tbs, count)
    return tlv(SEQUENCE, tbs[first:begin] + octets + tbs[end:])
