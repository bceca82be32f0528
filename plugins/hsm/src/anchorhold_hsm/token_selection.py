"""Which token is meant, among those a module shows."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pkcs11 import PKCS11Error, TokenFlag
from pkcs11.exceptions import TokenNotPresent, TokenNotRecognised

from anchorhold.errors import BackendFailedError, SettingsError
from anchorhold_hsm.return_codes import TokenUnavailableError, name_of
from anchorhold_hsm.uri import KEY_ATTRIBUTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pkcs11 import Token

    from anchorhold_hsm.options import Options
    from anchorhold_hsm.uri import Pkcs11Uri


_WORDS: Final = {"token": "label", "serial": "serial number", "slot-id": "slot"}
"""What attributes are called in messages, where it is not their name."""


class TokenChoice(NamedTuple):
    """What is said about a token; all of it must fit.

    Attributes:
        wanted: Attributes of a PKCS#11 URI (RFC 7512, section 2.3) by name, and ``module-path``, with their values.
    """

    wanted: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, options: Options) -> TokenChoice:
        """What the options of an alias say."""
        slot = None if options.slot is None else str(options.slot)
        single = {"token": options.token, "serial": options.token_serial, "slot-id": slot}
        return cls._from({**options.wanted.path, **single})

    @classmethod
    def in_uri(cls, uri: Pkcs11Uri) -> TokenChoice:
        """What the URI of a key says about its token and its module."""
        path = {name: value for name, value in uri.path.items() if name not in KEY_ATTRIBUTES}
        module = uri.query.get("module-path")
        return cls._from({**path, "module-path": None if module is None else os.path.realpath(module)})

    @classmethod
    def _from(cls, attributes: Mapping[str, str | None]) -> TokenChoice:
        given = {name: value.rstrip("\0 ") for name, value in attributes.items() if value is not None}
        if "library-version" in given and "." not in given["library-version"]:
            given["library-version"] += ".0"
        return cls(tuple(given.items()))

    def __str__(self) -> str:
        shown = {**dict(self.wanted), **{name: repr(value) for name, value in self.wanted if name == "token"}}
        return ", ".join(f"{_WORDS.get(name, name.replace('-', ' '))} {value}" for name, value in shown.items())

    def fits(self, attributes: Mapping[str, str]) -> bool:
        """Whether a token with these attributes is meant."""
        return all(attributes[name] == value for name, value in self.wanted)


def attributes_of(token: Token, library: Any, path: str) -> dict[str, str]:
    """What a PKCS#11 URI may say about a token. Texts are padded with blanks, which do not count.

    Args:
        token: The token.
        library: The module it is in, as python-pkcs11 has it.
        path: The module's file.
    """
    slot = token.slot
    found = {
        "token": token.label,
        "serial": serial_of(token),
        "slot-id": str(slot.slot_id),
        "manufacturer": token.manufacturer_id,
        "model": token.model,
        "slot-manufacturer": slot.manufacturer_id,
        "slot-description": slot.slot_description,
        "library-manufacturer": library.manufacturer_id,
        "library-description": library.library_description,
        "library-version": ".".join(map(str, library.library_version)),
        "module-path": path,
    }
    return {name: value.rstrip("\0 ") for name, value in found.items()}


def serial_of(token: Token) -> str:
    """The serial number of a token as text."""
    return token.serial.rstrip(b"\0 ").decode(errors="replace")


def token_identity(token: Token) -> str:
    """Names a token for all processes and hosts."""
    return f"token {token.label!r}, serial number {serial_of(token) or 'none'}"


def find_token(
    tokens: Mapping[Token, Mapping[str, str]], unread: Sequence[str], choice: TokenChoice, subject: str
) -> Token:
    """The one token that is meant.

    Args:
        tokens: All that the module shows, with their attributes.
        unread: Why it showed no more, as `tokens_in` has it.
        choice: Which.
        subject: Whose settings these are, for the messages.

    Raises:
        TokenUnavailableError: It is not there; perhaps it is once the module was initialised again.
        SettingsError: Several fit.
        BackendFailedError: It was never initialised.
    """
    found = [token for token, attributes in tokens.items() if choice.fits(attributes)]
    if not found:
        raise TokenUnavailableError(_away(tokens, unread, choice, subject))
    if len(found) > 1:
        listed = ", ".join(map(_description, found))
        raise SettingsError(
            f"{subject}: {len(found)} tokens have {choice}", hint=f"set token_serial too, to choose from: {listed}"
        )
    if not found[0].flags & TokenFlag.TOKEN_INITIALIZED:
        raise BackendFailedError(
            f"{subject}: the token with {choice} was never initialised",
            hint="initialise it with the vendor's tool, or with pkcs11-tool, and set its user PIN",
        )
    return found[0]


def tokens_in(slots: Iterable[object]) -> tuple[list[Token], list[str]]:
    """The tokens in some slots, and the answers of those that cannot be read; a slot without one is passed over."""
    tokens: list[Token] = []
    unread: list[str] = []
    for slot in slots:
        try:
            tokens.append(slot.get_token())  # type: ignore[attr-defined]
        except (TokenNotPresent, TokenNotRecognised):
            continue
        except PKCS11Error as error:
            unread.append(name_of(error))
    return tokens, unread


def _away(tokens: Iterable[Token], unread: Sequence[str], choice: TokenChoice, subject: str) -> BackendFailedError:
    listed = ", ".join(map(_description, tokens))
    if unread and not listed:
        return BackendFailedError(
            f"{subject}: the module cannot read any token ({unread[0]})", hint="check the device and its service"
        )
    more = f", and {len(unread)} more that cannot be read ({unread[0]})" if unread else ""
    return BackendFailedError(
        f"{subject}: there is no token with {choice}",
        hint="plug it in, start its service or correct the settings; the module shows: "
        f"{listed or 'none at all'}{more}",
    )


def _description(token: Token) -> str:
    return f"{token.label!r} (serial number {serial_of(token) or 'none'}, slot {token.slot.slot_id})"
