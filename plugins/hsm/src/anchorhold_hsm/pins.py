"""PINs: whose they are, and that none is shown to a token again that has refused it.

All processes of an installation remember that by where a PIN came from. Within one process a keyed digest tells besides
that the same PIN came from somewhere else.
"""

from __future__ import annotations

import hmac
import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final, Literal

from pkcs11.exceptions import PKCS11Error

from anchorhold.errors import SecretWrongError
from anchorhold.plugin import ProcessRefusedSecrets
from anchorhold_hsm.return_codes import name_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorhold.plugin import RefusedSecrets, Secret, SecretSource

Kind = Literal["user", "so"]
USER_NAMES: Final[dict[Kind, str]] = {"user": "user", "so": "security officer"}
PIN_REFUSED_HINT: Final = ("PinIncorrect", "PinInvalid", "PinLenRange")
"""Answers that would be given to the same PIN again."""
_KEY: Final = os.urandom(32)

_refused: dict[tuple[str, bytes], SecretSource | None] = {}
"""By place, and digest of a PIN that was refused there: where this process had that PIN from."""


class Credential:
    """What an alias logs in with.

    Args:
        kind: As whom.
        pin: The PIN; None if it is typed at the device.
        refused_secrets: The memory that all processes share; by default of this process alone.

    Attributes:
        kind: As whom.
        pin: The PIN, masked.
        digest: Stands for both; worth nothing outside this process.
    """

    __slots__ = ("_refused_secrets", "digest", "kind", "pin")

    def __init__(self, kind: Kind, pin: Secret | None, refused_secrets: RefusedSecrets | None = None) -> None:
        self.kind: Kind = kind
        self.pin = pin
        self._refused_secrets = refused_secrets or ProcessRefusedSecrets()
        typed = pin.reveal_bytes() if pin is not None else b""
        self.digest = hmac.digest(_KEY, b"%d %s %s" % (pin is not None, kind.encode(), typed), "sha256")

    @contextmanager
    def presenting(self, token: str, subject: str) -> Iterator[None]:
        """Around every call that shows the PIN to a token; what it raises tells whether the PIN was refused.

        Args:
            token: Which one, the same in all processes.
            subject: Alias and token, for the messages.

        Raises:
            SecretWrongError: It was refused before.
            BusyError, LedgerError: As `RefusedSecrets.presenting`.
        """
        if self.pin is None:
            yield
            return
        place, source, what = (
            f"{token}, {self.kind}",
            self.pin.source,
            f"{subject}: the PIN of the {USER_NAMES[self.kind]}",
        )
        with ExitStack() as stack:
            try:
                refuse = stack.enter_context(self._refused_secrets.presenting(place, source, what))
            except SecretWrongError:
                _refused[place, self.digest] = source  # nor from elsewhere
                raise
            if self._came_from_elsewhere(place, source):
                refuse()
                raise SecretWrongError(
                    f"{subject}: this PIN of the {USER_NAMES[self.kind]} was refused earlier in this process",
                    hint="give the right one; if it is the right one now, start the process again",
                )
            try:
                yield
            except Exception as error:
                if _is_refusal(error):
                    _refused[place, self.digest] = source
                    refuse()
                raise
            _refused.pop((place, self.digest), None)

    def _came_from_elsewhere(self, place: str, source: SecretSource | None) -> bool:
        """Whether this PIN was refused here, and the shared memory does not know it as that of this source."""
        if (place, self.digest) not in _refused:
            return False
        earlier = _refused[place, self.digest]
        return source is None or earlier is None or source.name != earlier.name


def _is_refusal(error: BaseException | None) -> bool:
    """Whether a token has said that the PIN is wrong, perhaps told in another error since."""
    if isinstance(error, SecretWrongError):
        error = error.__cause__
    return isinstance(error, PKCS11Error) and name_of(error) in PIN_REFUSED_HINT


NO_CREDENTIAL: Final = Credential("user", None)
"""For what is done without a login."""
