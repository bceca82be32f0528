"""Drafts become certificates: capturing the TBSCertificate, signing it, and checking what came out."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha1
from typing import TYPE_CHECKING, Final

from cryptography import x509

from anchorhold.errors import SignatureError
from anchorhold.publickeys import is_signed_by, spki
from anchorhold.seam.bridge import bridge_key, builder_arguments
from anchorhold.seam.requests import Draft
from anchorhold.x509.certificates import key_bits, public_key_info
from anchorhold.x509.der import SEQUENCE, members, signed, tlv

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorhold.algorithms import Algorithm
    from anchorhold.publickeys import PublicKey

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
    captured: list[bytes] = []

    def capture(message: bytes) -> bytes:
        captured.append(message)
        return b"\x00"

    builder = x509.CertificateBuilder(
        issuer_name=draft.issuer,
        subject_name=draft.subject,
        public_key=draft.public_key,
        serial_number=draft.serial,
        not_valid_before=draft.not_before.replace(tzinfo=None),
        not_valid_after=draft.not_after.replace(tzinfo=None),
        extensions=list(draft.extensions),
    )
    builder.sign(bridge_key(issuer_key, capture), **builder_arguments(algorithm))
    tbs = captured[0]
    if draft.public_key_info is not None:  # cryptography has but one for each key
        tbs = with_member(tbs, _PUBLIC_KEY, draft.public_key_info)
    return tbs if draft.issuer_octets is None else with_member(tbs, _ISSUER, draft.issuer_octets)


def read_draft(tbs: bytes, profile: str) -> Draft:
    """The draft whose TBSCertificate was recorded: the opposite of `capture_tbs`.

    Args:
        tbs: From `capture_tbs`.
        profile: Name of the profile it was made by.
    """
    *_, begin, end = members(tbs, _ALGORITHM)
    found = x509.load_der_x509_certificate(b"".join(signed(tbs, tbs[begin:end], b"\x00")))
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


def sign_tbs(
    tbs: bytes, issuer_key: PublicKey, algorithm: Algorithm, sign: Callable[[bytes], bytes], signer: object
) -> bytes:
    """Sign what was captured and verify the result.

    Args:
        tbs: From `capture_tbs`, as recorded.
        issuer_key: The issuer's public key.
        algorithm: How it is signed.
        sign: Makes the signature over the whole message.
        signer: Names the backend in the message.

    Returns:
        The certificate in DER.

    Raises:
        SignatureError: The signature does not verify.
    """
    signature = sign(tbs)
    if not is_signed_by(issuer_key, signature, tbs, algorithm):
        raise SignatureError(
            f"{signer}: returned a signature that does not verify",
            hint="nothing was issued; check the key and tell the author of the backend",
        )
    *_, begin, end = members(tbs, _ALGORITHM)
    return b"".join(signed(tbs, tbs[begin:end], signature))


def with_member(tbs: bytes, count: int, octets: bytes) -> bytes:
    """The same with something else as the last of its first so many members, in DER."""
    first, *_, begin, end = members(tbs, count)
    return tlv(SEQUENCE, tbs[first:begin] + octets + tbs[end:])
