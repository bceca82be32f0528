"""Signers that lie: each shows what core expects to see, and does something else."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Any, Final

from anchorhold import software_keys
from anchorhold.plugin import hookimpl
from anchorhold.public_keys import spec_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorhold.plugin import Algorithm, Signer, Wrapping
    from anchorhold.public_keys import PublicKey


class FaultySigner:
    """A signer that lies about one thing.

    Args:
        honest: The signer that it takes the place of.
        lie: Makes the signature.
        public_key: What it shows; by default the honest one's.
    """

    def __init__(
        self, honest: Signer, lie: Callable[[Signer, bytes, Algorithm], bytes], public_key: PublicKey | None = None
    ) -> None:
        self.public_key = public_key or honest.public_key
        self._honest = honest
        self._lie = lie

    def sign(self, message: bytes, algorithm: Algorithm) -> bytes:
        """Lie."""
        return self._lie(self._honest, message, algorithm)

    def close(self) -> None:
        """Close the honest one."""
        self._honest.close()


def _other_key(honest: Signer) -> Any:
    return software_keys.SoftwareSigner(software_keys.generate(spec_of(honest.public_key)))


def _honest_signature(honest: Signer, message: bytes, algorithm: Algorithm) -> bytes:
    return honest.sign(message, algorithm)


FAULTS: Final[dict[str, Callable[[Signer], FaultySigner]]] = {
    "garbage": lambda honest: FaultySigner(honest, lambda *_: os.urandom(64)),
    "nothing": lambda honest: FaultySigner(honest, lambda *_: b""),
    "another key signs": lambda honest: FaultySigner(honest, lambda _, *what: _other_key(honest).sign(*what)),
    "another message": lambda honest: FaultySigner(honest, lambda signer, _, how: signer.sign(b"another message", how)),
    "the digest hashed again": lambda honest: FaultySigner(
        honest, lambda signer, message, how: signer.sign(hashlib.sha256(message).digest(), how)
    ),
    "another key is shown": lambda honest: FaultySigner(honest, _honest_signature, _other_key(honest).public_key),
}
"""Lies by their names, each made from an honest signer."""


class FaultySignerWrapper:
    """A wrapper that puts a liar in the place of every signer.

    Args:
        lie: One of `FAULTS`.
    """

    def __init__(self, lie: Callable[[Signer], FaultySigner]) -> None:
        self._lie = lie

    @hookimpl(wrapper=True)
    def load_signer(self) -> Wrapping[Signer]:
        """Lend a liar."""
        return self._lie((yield))
