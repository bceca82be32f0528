"""Signers that a worker keeps between one request and the next: opening a key may take longer than using it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, Self, TypeAlias

from anchorhold.public_keys import spki

if TYPE_CHECKING:
    from anchorhold.plugin.key_backend import KeyBackend
    from anchorhold.plugin.requests import KeyRequest, Secrets, Signer

MOST: Final = 64
"""Signers that are kept; the one that was not used for longest is closed for another."""

_Place: TypeAlias = tuple[str, str, bytes, str]


class HeldSigners:
    """Signers by alias, key and handle; for one thread. Close it when no more is to be signed."""

    def __init__(self) -> None:
        self._open: dict[_Place, tuple[KeyBackend, Signer]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self, backend: KeyBackend, request: KeyRequest, secrets: Secrets) -> Signer:
        """The signer that is kept for a key, else a new one.

        Args:
            backend: Where the key is.
            request: Finds it there.
            secrets: For it.

        Raises:
            AnchorholdError: As `BackendSpec.load_signer`.
        """
        place = _place(backend, request)
        kept = self._open.pop(place, None) or (backend, backend.load_signer(request, secrets))
        self._open[place] = kept
        if len(self._open) > MOST:
            self._close(next(iter(self._open)))
        return kept[1]

    def drop(self, backend: KeyBackend, request: KeyRequest) -> None:
        """Close the signer that is kept for a key, because it has failed."""
        self._close(_place(backend, request))

    def close(self) -> None:
        """Close all of them."""
        for place in list(self._open):
            self._close(place)

    def _close(self, place: _Place) -> None:
        kept = self._open.pop(place, None)
        if kept is not None:
            backend, signer = kept
            backend.close_signer(signer)


def _place(backend: KeyBackend, request: KeyRequest) -> _Place:
    handle = json.dumps(request.handle.to_json(), sort_keys=True)
    return backend.role, backend.alias, spki(request.public_key), handle
