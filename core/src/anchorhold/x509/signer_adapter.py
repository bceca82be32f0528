"""Shows ``cryptography``'s builders a private key that signs through the hook `sign`.

The builders take any instance of the private-key classes and call its ``sign`` with the whole message. They
accept a garbage signature, so the user of a bridge key verifies what comes out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, rsa

from anchorhold.algorithms import RSA_PADDINGS
from anchorhold.public_keys import HASHES, PublicKey, pss, spec_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorhold.algorithms import Algorithm
    from anchorhold.software_keys import PrivateKey


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
