"""Which token is meant, among those a module shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pkcs11 import PKCS11Error, TokenFlag
from pkcs11.exceptions import TokenNotPresent, TokenNotRecognised

from anchorhold.errors import BackendFailedError, SettingsError
from anchorhold_hsm.trouble import NotThereError, name_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pkcs11 import Token

    from anchorhold_hsm.options import Options


class TokenChoice(NamedTuple):
    """What the settings say about a token; all that is given must fit.

    Attributes:
        label: Its label.
        serial: Its serial number.
        slot: Number of the slot it is in.
        manufacturer: Who made it.
        model: What it is.
    """

    label: str | None = None
    serial: str | None = None
    slot: int | None = None
    manufacturer: str | None = None
    model: str | None = None

    @classmethod
    def of(cls, options: Options) -> TokenChoice:
        """What the options of an alias say."""
        wanted = options.wanted.path
        return cls(
            label=options.token,
            serial=options.token_serial,
            slot=options.slot,
            manufacturer=wanted.get("manufacturer"),
            model=wanted.get("model"),
        )

    def __str__(self) -> str:
        parts = {
            "label": self.label and repr(self.label),
            "serial number": self.serial,
            "slot": None if self.slot is None else str(self.slot),
            "manufacturer": self.manufacturer,
            "model": self.model,
        }
        return ", ".join(f"{name} {value}" for name, value in parts.items() if value is not None)

    def fits(self, token: Token) -> bool:
        """Whether a token is meant. Labels and serial numbers are padded with blanks, which do not count."""
        found = {
            "label": token.label,
            "serial": serial_of(token),
            "slot": token.slot.slot_id,
            "manufacturer": token.manufacturer_id,
            "model": token.model,
        }
        return all(_trimmed(getattr(self, name)) in (None, _trimmed(value)) for name, value in found.items())


def serial_of(token: Token) -> str:
    """The serial number of a token as text."""
    return token.serial.rstrip(b"\0 ").decode(errors="replace")


def find_token(tokens: Iterable[Token], choice: TokenChoice, subject: str) -> Token:
    """The one token that is meant.

    Args:
        tokens: All that the module shows.
        choice: Which.
        subject: Whose settings these are, for the messages.

    Raises:
        NotThereError: It is not there; perhaps it is once the module was initialised again.
        SettingsError: Several fit.
        BackendFailedError: It was never initialised.
    """
    shown = list(tokens)
    found = [token for token in shown if choice.fits(token)]
    if not found:
        listed = ", ".join(map(_description, shown)) or "none at all"
        raise NotThereError(
            BackendFailedError(
                f"{subject}: there is no token with {choice}",
                hint=f"plug it in, start its service or correct the settings; the module shows: {listed}",
            )
        )
    if len(found) > 1:
        listed = ", ".join(map(_description, found))
        raise SettingsError(
            f"{subject}: {len(found)} tokens have {choice}", hint=f"set token_serial too, to choose from: {listed}"
        )
    if not found[0].flags & TokenFlag.TOKEN_INITIALIZED:
        raise BackendFailedError(
            f"{subject}: the token with {choice} was never initialised",
            hint="initialise it with the tool of its maker, or `pkcs11-tool --init-token`, and set its user PIN",
        )
    return found[0]


def tokens_in(slots: Iterable[object], subject: str) -> list[Token]:
    """The tokens in some slots; a slot without one, or with one that cannot be read, is passed over.

    Raises:
        BackendFailedError: There are slots, and the token of none of them can be read.
    """
    tokens: list[Token] = []
    failures: list[PKCS11Error] = []
    for slot in slots:
        try:
            tokens.append(slot.get_token())  # type: ignore[attr-defined]
        except (TokenNotPresent, TokenNotRecognised):
            continue
        except PKCS11Error as error:
            failures.append(error)
    if failures and not tokens:
        raise BackendFailedError(
            f"{subject}: the module cannot read any token ({name_of(failures[0])})",
            hint="check the device and its service",
        ) from failures[0]
    return tokens


def _description(token: Token) -> str:
    return f"{token.label!r} (serial number {serial_of(token) or 'none'}, slot {token.slot.slot_id})"


def _trimmed(value: object) -> object:
    return value.rstrip("\0 ") if isinstance(value, str) else value
