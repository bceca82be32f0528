"""Key backend ``hsm``: private keys in hardware security modules and other tokens, through PKCS#11."""

from anchorhold_hsm.backend import HsmBackend

__all__ = ["HsmBackend"]
