"""A signer that is asked for once, and once more whenever its session is over."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from anchorhold.errors import SecretWrongError

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorhold.plugin.requests import Signer


class LazySigner:
    """Asks for a signer when it is first needed, and holds it until closed. Threads may share it.

    Args:
        load: Asks for one.
        close: Gives one back.
    """

    def __init__(self, load: Callable[[], Signer], close: Callable[[Signer], None]) -> None:
        self._load = load
        self._close = close
        self._signer: Signer | None = None
        self._replaced: list[Signer] = []
        self._refusal: SecretWrongError | None = None
        self._opening = Lock()

    @property
    def opened(self) -> Signer | None:
        """The signer, if there is one."""
        return self._signer

    def open(self) -> Signer:
        """The signer.

        Raises:
            AnchorholdError: As `BackendSpec.load_signer`.
        """
        with self._opening:
            return self._opened()

    def replacement(self, over: Signer) -> Signer:
        """Another signer for one whose session is over; the same for all threads that have found it so.

        The old one is closed at last: other threads may still wait for its answers.

        Raises:
            SecretWrongError: The PIN was refused, now or when another thread asked; it is not tried again, because
                wrong PINs lock tokens.
        """
        with self._opening:
            if self._signer is over:
                self._replaced.append(over)
                self._signer = None
            return self._opened()

    def close(self) -> None:
        """Give back all that were lent."""
        with self._opening:
            signers = [*self._replaced, *([] if self._signer is None else [self._signer])]
            self._signer = None
            self._replaced.clear()
        for signer in signers:
            self._close(signer)

    def _opened(self) -> Signer:
        if self._signer is None:
            if self._refusal is not None:
                raise self._refusal
            try:
                self._signer = self._load()
            except SecretWrongError as error:
                self._refusal = error if self._replaced else None
                raise
        return self._signer
