"""What is signed in X.509, such as a TBSCertificate, made without a private key; and what it and a signature make."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha1
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from anchorhold.algorithms import RSA_PADDINGS
from anchorhold.public_keys import HASHES, pss, spki
from anchorhold.x509.der import SEQUENCE, members, signed, tlv
from anchorhold.x509.draft import Draft
from anchorhold.x509.lenient_certificates import key_bits, public_key_info

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorhold.algorithms import Algorithm
    from anchorhold.public_keys import PublicKey
    from anchorhold.software_keys import PrivateKey

Builder: TypeAlias = (
    x509.CertificateBuilder | x509.CertificateRevocationListBuilder | x509.CertificateSigningRequestBuilder
)

_ALGORITHM: Final = 3
"""Members of a TBSCertificate up to the algorithm of its signature (RFC 5280, section 4.1)."""
_ISSUER: Final = 4
"""Members up to the issuer's name."""
_PUBLIC_KEY: Final = 7
"""Members up to the subject's public key."""
_IDENTIFIERS: Final[dict[Algorithm, bytes]] = {}
"""The AlgorithmIdentifiers that were made already, in DER."""


def key_identifiers(info: bytes, issuer: x509.Certificate | None) -> list[x509.Extension[x509.ExtensionType]]:
    """Subject and authority key identifier (RFC 5280, sections 4.2.1.1 and 4.2.1.2).

    Args:
        info: The public key of the certificate to be, as DER SubjectPublicKeyInfo.
        issuer: The issuer's certificate; None for a root, which is its own.
    """
    subject = x509.SubjectKeyIdentifier(_key_digest(info))
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
        return x509.AuthorityKeyIdentifier(_key_digest(public_key_info(issuer)), None, None)  # as others see the key
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(found)


def _key_digest(info: bytes) -> bytes:
    """What identifies a key (RFC 5280, section 4.2.1.2, method 1)."""
    return sha1(key_bits(info), usedforsecurity=False).digest()


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


def to_be_signed(builder: Builder, public_key: PublicKey, algorithm: Algorithm) -> bytes:
    """The message that a builder signs: TBSCertificate, TBSCertList or CertificationRequestInfo, in DER.

    Args:
        builder: With everything in it.
        public_key: The public key of the signer to be.
        algorithm: How the message will be signed.
    """
    captured: list[bytes] = []

    def capture(message: bytes) -> bytes:
        captured.append(message)
        return b"\x00"

    builder.sign(signer_private_key(public_key, capture), **builder_arguments(algorithm))
    return captured[0]


def signature_algorithm(public_key: PublicKey, algorithm: Algorithm) -> bytes:
    """The AlgorithmIdentifier of a signature (RFC 5280, section 4.1.1.2), in DER.

    Args:
        public_key: The public key of the signer.
        algorithm: How it signs; keys that sign alike have the same one, so it is made once.
    """
    if algorithm not in _IDENTIFIERS:
        _IDENTIFIERS[algorithm] = _signature_algorithm(public_key, algorithm)
    return _IDENTIFIERS[algorithm]


def _signature_algorithm(public_key: PublicKey, algorithm: Algorithm) -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    unused = builder.sign(signer_private_key(public_key, lambda _: b"\x00"), **builder_arguments(algorithm))
    return asn1.encode_der(asn1.decode_der(_CertificationRequest, unused.public_bytes(Encoding.DER)).algorithm)


def assemble_request(info: bytes, public_key: PublicKey, algorithm: Algorithm, signature: bytes) -> bytes:
    """The CertificationRequest (RFC 2986, section 4.2), in DER.

    Args:
        info: The CertificationRequestInfo, in DER.
        public_key: The public key of the signer.
        algorithm: How it has signed.
        signature: In the form X.509 has it.
    """
    return b"".join(signed(info, signature_algorithm(public_key, algorithm), signature))


@asn1.sequence
class _CertificationRequest:
    info: asn1.TLV
    algorithm: asn1.TLV
    signature: asn1.BitString


class _SignerPrivateKey:
    def __init__(self, public_key: PublicKey, sign: Callable[[bytes], bytes]) -> None:
        self._public_key = public_key
        self._sign = sign

    def sign(self, data: bytes, *_: Any) -> bytes:
        """The signature over the data; the algorithm was fixed when the bridge was made."""
        return self._sign(bytes(data))

    def public_key(self) -> PublicKey:
        """The public half."""
        return self._public_key

    @property
    def key_size(self) -> int:
        """As ``cryptography`` has it, for RSA and EC."""
        return cast("rsa.RSAPublicKey", self._public_key).key_size

    @property
    def curve(self) -> ec.EllipticCurve:
        """As ``cryptography`` has it, for EC."""
        return cast("ec.EllipticCurvePublicKey", self._public_key).curve


def _adapter_class(interface: Any) -> type[_SignerPrivateKey]:
    bridge = type(
        f"{interface.__name__}Bridge", (_SignerPrivateKey,), {"__doc__": f"Looks like a {interface.__name__}."}
    )
    interface.register(bridge)
    return bridge


_BRIDGES: Final[dict[type[object], type[_SignerPrivateKey]]] = {
    ec.EllipticCurvePublicKey: _adapter_class(ec.EllipticCurvePrivateKey),
    rsa.RSAPublicKey: _adapter_class(rsa.RSAPrivateKey),
    ed25519.Ed25519PublicKey: _adapter_class(ed25519.Ed25519PrivateKey),
    ed448.Ed448PublicKey: _adapter_class(ed448.Ed448PrivateKey),
    mldsa.MLDSA44PublicKey: _adapter_class(mldsa.MLDSA44PrivateKey),
    mldsa.MLDSA65PublicKey: _adapter_class(mldsa.MLDSA65PrivateKey),
    mldsa.MLDSA87PublicKey: _adapter_class(mldsa.MLDSA87PrivateKey),
}


def signer_private_key(public_key: PublicKey, sign: Callable[[bytes], bytes]) -> PrivateKey:
    """A private key for ``cryptography``'s builders.

    Args:
        public_key: Its public half.
        sign: Makes the signature over the whole message, in the form X.509 has it.
    """
    bridge = next(found for kind, found in _BRIDGES.items() if isinstance(public_key, kind))
    return cast("PrivateKey", bridge(public_key, sign))


def builder_arguments(algorithm: Algorithm) -> dict[str, Any]:
    """What ``cryptography``'s builders want beside the key: a hash (None for EdDSA and ML-DSA) and the RSA padding."""
    digest = HASHES[algorithm.hash] if algorithm.hash is not None else None
    is_pss = algorithm.scheme == RSA_PADDINGS["pss"]
    return {"algorithm": digest, "rsa_padding": pss(digest) if is_pss and digest is not None else None}
