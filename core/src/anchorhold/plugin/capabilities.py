"""What a class of backends can do at most, stated before any PIN is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from anchorhold.algorithms import CURVES, HASHES, KEY_TYPES, RSA_PADDINGS, RSA_SIZES
from anchorhold.errors import KeyUnsupportedError

if TYPE_CHECKING:
    from anchorhold.algorithms import Algorithm, KeySpec

MAX_AT_ONCE: Final = 64
"""Threads that one key is given at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """An upper bound: what the configured instance really offers is its own answer when it is asked to.

    Attributes:
        key_types: Of ``EC``, ``RSA``, ``Ed25519``, ``Ed448``, ``ML-DSA-44``, ``ML-DSA-65``, ``ML-DSA-87``.
        curves: SEC 2 or RFC 5639 names, for EC keys.
        rsa_sizes: Smallest and largest modulus, in bits.
        hashes: Names such as ``SHA-256``, for ECDSA and RSA.
        rsa_paddings: Of ``pkcs1v15``, ``pss``.
        at_once: How many signatures one key takes at the same time. Batches and ``serve`` use as many threads for it,
            up to `MAX_AT_ONCE`; None leaves the number to them, which suits keys in this computer.
        batch_limit: How many requests `BackendSpec.sign_batch` takes in one call; a positive number, as `at_once` is.
    """

    key_types: tuple[str, ...] = KEY_TYPES
    curves: tuple[str, ...] = tuple(CURVES)
    rsa_sizes: tuple[int, int] = RSA_SIZES
    hashes: tuple[str, ...] = HASHES
    rsa_paddings: tuple[str, ...] = tuple(RSA_PADDINGS)
    at_once: int | None = None
    batch_limit: int = 50

    def __post_init__(self) -> None:
        if self.batch_limit < 1 or (self.at_once is not None and self.at_once < 1):
            raise ValueError("at_once and batch_limit are positive numbers")

    def threads(self, usual: int) -> int:
        """How many threads may use one key at the same time.

        Args:
            usual: For a key that does not say.
        """
        return usual if self.at_once is None else min(self.at_once, MAX_AT_ONCE)

    def check(self, subject: object, spec: KeySpec, algorithm: Algorithm | None = None) -> None:
        """Refuse a key, or a signature algorithm for it, that is out of bounds.

        Args:
            subject: Names the backend in the message.
            spec: The key.
            algorithm: The signature algorithm, if known.

        Raises:
            KeyUnsupportedError: With the list of what is offered.
        """
        smallest, largest = self.rsa_sizes
        schemes = [RSA_PADDINGS[padding] for padding in self.rsa_paddings]
        bounds: tuple[tuple[str, object, bool, object], ...] = (
            ("key type", spec.type, spec.type in self.key_types, ", ".join(self.key_types)),
            ("curve", spec.curve, spec.curve is None or spec.curve in self.curves, ", ".join(self.curves)),
            (
                "RSA size",
                spec.size,
                spec.size is None or smallest <= spec.size <= largest,
                f"{smallest} to {largest} bits",
            ),
            (
                "hash",
                algorithm and algorithm.hash,
                algorithm is None or algorithm.hash is None or algorithm.hash in self.hashes,
                ", ".join(self.hashes),
            ),
            (
                "RSA padding",
                algorithm and algorithm.scheme,
                algorithm is None or spec.type != "RSA" or algorithm.scheme in schemes,
                ", ".join(self.rsa_paddings),
            ),
        )
        for what, wanted, offered, offer in bounds:
            if not offered:
                raise KeyUnsupportedError(
                    f"{subject}: the {what} {wanted} is not offered", hint=f"choose from: {offer}"
                )
