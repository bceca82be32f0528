"""What a builder of ``cryptography`` would have signed, and how it names the algorithm; no private key is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.serialization import Encoding

from anchorhold.x509.der import signed
from anchorhold.x509.signer_adapter import builder_arguments, signer_private_key

if TYPE_CHECKING:
    from anchorhold.algorithms import Algorithm
    from anchorhold.public_keys import PublicKey

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
