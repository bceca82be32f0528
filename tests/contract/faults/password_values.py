"""Faults of what is taken of a password: cut, folded, stripped or re-encoded before it seals a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorhold.plugin import Secret
from contract.file_backend import FileBackend

if TYPE_CHECKING:
    from collections.abc import Callable


class _TakesLess(FileBackend):
    """Seals with what is left of a password."""

    def left(self, password: str) -> str:
        raise NotImplementedError

    def sealing_key(self, password: Secret) -> bytes:
        return super().sealing_key(Secret(self.left(password.reveal())))


class CutsPasswords(_TakesLess):
    """Takes as much as bcrypt does."""

    def left(self, password: str) -> str:
        return password[:72]


class CutsLongPasswords(_TakesLess):
    """Takes what a field of a database holds."""

    def left(self, password: str) -> str:
        return password[:255]


class StopsAtNul(_TakesLess):
    """Passes a password to a library in C."""

    def left(self, password: str) -> str:
        return password.partition("\0")[0]


class IgnoresCase(_TakesLess):
    """Folds the case, as for a name."""

    def left(self, password: str) -> str:
        return password.casefold()


class StripsPasswords(_TakesLess):
    """Removes blanks at the ends, as a form does."""

    def left(self, password: str) -> str:
        return password.strip()


class ReplacesWhatIsNotAscii(_TakesLess):
    """Writes a question mark for each letter that it does not know."""

    def left(self, password: str) -> str:
        return password.encode("ascii", "replace").decode()


class KnowsOnlyAscii(_TakesLess):
    """Fails somehow with other letters."""

    def left(self, password: str) -> str:
        return password.encode("ascii").decode()


class ChangesWhatItOpensWith(FileBackend):
    """Encodes a password otherwise for opening than for sealing."""

    def unsealed(self, content: dict[str, str], secrets: object) -> bytes:
        return super().unsealed(content, _Recoded(secrets))  # type: ignore[arg-type]  # all that is used of it


class _Recoded:
    def __init__(self, secrets: object) -> None:
        self._require: Callable[[str], Secret] = secrets.require  # type: ignore[attr-defined]

    def require(self, name: str) -> Secret:
        return Secret(self._require(name).reveal().encode().decode("latin-1"))
