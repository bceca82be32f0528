"""What a builder of ``cryptography`` would have signed, and how it names the algorithm; no private key is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from anchorhold.algorithms import RSA_PADDINGS
from anchorhold.public_keys import HASHES, pss, spec_of
from anchorhold.x509.der import signed

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorhold.algorithms import Algorithm
    from anchorhold.public_keys import PublicKey
    from anchorhold.software_keys import PrivateKey

Builder: TypeAlias = (
    x509.CertificateBuilder | x509.CertificateRevocationListBuilder | x509.CertificateSigningRequestBuilder
)


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
        algorithm: How it signs.
    """
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


_CLASSES: Final = {
    "EC": _adapter_class(ec.EllipticCurvePrivateKey),
    "RSA": _adapter_class(rsa.RSAPrivateKey),
    "Ed25519": _adapter_class(ed25519.Ed25519PrivateKey),
    "Ed448": _adapter_class(ed448.Ed448PrivateKey),
    "ML-DSA-44": _adapter_class(mldsa.MLDSA44PrivateKey),
    "ML-DSA-65": _adapter_class(mldsa.MLDSA65PrivateKey),
    "ML-DSA-87": _adapter_class(mldsa.MLDSA87PrivateKey),
}


def signer_private_key(public_key: PublicKey, sign: Callable[[bytes], bytes]) -> PrivateKey:
    """A private key for ``cryptography``'s builders.

    Args:
        public_key: Its public half.
        sign: Makes the signature over the whole message, in the form X.509 has it.
    """
    return cast("PrivateKey", _CLASSES[spec_of(public_key).type](public_key, sign))


def builder_arguments(algorithm: Algorithm) -> dict[str, Any]:
    """What ``cryptography``'s builders want beside the key: a hash (None for EdDSA and ML-DSA) and the RSA padding."""
    digest = HASHES[algorithm.hash] if algorithm.hash is not None else None
    is_pss = algorithm.scheme == RSA_PADDINGS["pss"]
    return {"algorithm": digest, "rsa_padding": pss(digest) if is_pss and digest is not None else None}
