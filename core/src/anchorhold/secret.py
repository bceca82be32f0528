"""Secrets that cannot leak by accident, and references to where they are kept."""

from __future__ import annotations

import hmac
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn, Self

from anchorhold import secret_sources
from anchorhold.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

    from anchorhold.secret_sources import SecretSource

MASK = "********"
_TELLING: Final = re.compile(r"pass|pin|secret|token|key|credential|auth|connection|sas", re.IGNORECASE)
_UNATTENDED: Final = 'write { env = "VARIABLE" } or { file = "PATH" }'


class Secret:
    """A password, PIN or private key in memory.

    Its text is masked, it refuses to be pickled or copied into JSON, and only `reveal` or `reveal_bytes`
    hand out the value. Compared in constant time.

    Args:
        value: The secret; text is encoded as UTF-8 where bytes are asked for. Octets of arguments and variables that
            were no UTF-8 are what they were.
        source: Where it came from.

    Attributes:
        is_random: Whether it was drawn at random, by `generate`.
        source: Where it came from; None if it was given just now: by option, at a terminal, or from Python.
    """

    __hash__ = None  # type: ignore[assignment]
    __slots__ = ("_value", "is_random", "source")

    def __init__(self, value: str | bytes, source: SecretSource | None = None) -> None:
        self._value = value.encode(errors="surrogateescape") if isinstance(value, str) else bytes(value)
        self.is_random = False
        self.source = source

    @classmethod
    def generate(cls) -> Secret:
        """A password of 256 random bits. Nobody can guess it, so it need not be stretched where it encrypts a key."""
        password = cls(os.urandom(32).hex())
        password.is_random = True
        return password

    def reveal(self) -> str:
        """The value as text (UTF-8)."""
        return self._value.decode()

    def reveal_bytes(self) -> bytes:
        """The value as bytes."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value, other._value)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Secret cannot be pickled or copied; pass where it is kept instead")


@dataclass(frozen=True, slots=True, repr=False)
class SecretReference:
    """Where a secret in the settings comes from.

    In TOML: the value itself, ``{ env = "VARIABLE" }``, ``{ file = "PATH" }`` (one trailing line break is
    dropped) or the word ``"prompt"``. Usable as the type of a field of an options model.
    """

    source: Literal["value", "env", "file", "prompt"]
    place: str = ""
    literal: Secret | None = None

    @classmethod
    def parse(cls, value: object) -> SecretReference:
        """Read the TOML form.

        Raises:
            ValueError: With a sentence that says what is expected.
        """
        match value:
            case SecretReference():
                return value
            case Secret():
                return cls("value", literal=value)
            case "prompt":
                return cls("prompt")
            case str():
                return cls("value", literal=Secret(value))
            case {"env": str(name), **rest} if name and "\0" not in name and not rest:
                return cls("env", name)
            case {"file": str(path), **rest} if path and "\0" not in path and not rest:
                return cls("file", path)
        raise ValueError('expected a text, { env = "VARIABLE" }, { file = "PATH" } or "prompt"')

    def resolve(self, environment: Mapping[str, str]) -> Secret | None:
        """The secret, or None if the variable is not set or a person has to be asked.

        Raises:
            SettingsError: The file cannot be read.
        """
        match self.source:
            case "value":
                return self.literal
            case "env":
                value = environment.get(self.place)
                return None if value is None else Secret(value, secret_sources.variable(self.place))
            case "file":
                return read_secret_file(self.place)
            case "prompt":
                return None

    def unattended(self) -> Self:
        """The reference itself, if nobody has to be asked; to be called by the validators of options.

        Raises:
            ValueError: It says that a person is asked.
        """
        if self.source == "prompt":
            raise ValueError(f'"prompt" is not possible here; {_UNATTENDED}')
        return self

    def require(self, environment: Mapping[str, str], subject: str) -> Secret:
        """The secret, where nobody is asked and nothing works without it.

        Args:
            environment: The variables.
            subject: What needs it, for the message.

        Raises:
            SettingsError: The variable is not set, the file cannot be read, or a person would have to be asked.
        """
        if self.source == "prompt":
            raise SettingsError(f'{subject}: "prompt" is not possible here', hint=_UNATTENDED)
        found = self.resolve(environment)
        if found is None:
            raise SettingsError(f"{subject}: the variable {self.place} is not set", hint="set it")
        return found

    def __repr__(self) -> str:
        return {
            "value": MASK,
            "env": f"from the variable {self.place}",
            "file": f"from the file {self.place}",
            "prompt": "asked for when needed",
        }[self.source]

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(
            cls.parse, serialization=core_schema.plain_serializer_function_ser_schema(repr)
        )


def tells_secret(name: str) -> bool:
    """Whether the name of an option tells that its value is a secret, although the settings have it as it is.

    The one rule of what is kept out of messages, for options that are passed on to a library of others, such as those
    of a file system: no list says which of them are secrets. It takes too many rather than too few.
    """
    return _TELLING.search(name) is not None


def is_secret_reference(value: object) -> bool:
    """Whether a value in the settings says where a secret is, ``{ env = … }`` or ``{ file = … }``, and holds none."""
    if not isinstance(value, dict):
        return False
    try:
        SecretReference.parse(value)
    except ValueError:
        return False
    return True


def read_secret_file(path: str | os.PathLike[str]) -> Secret:
    """Read a secret from a file, without one trailing line break.

    Raises:
        SettingsError: The file cannot be read.
    """
    place = Path(path).expanduser().absolute()
    try:
        with place.open("rb") as file:
            source = secret_sources.file(place, os.fstat(file.fileno()))
            content = file.read()
    except OSError as error:
        raise SettingsError(
            f"{path}: the secret cannot be read from this file ({error.strerror})",
            hint="name a file that this account can read",
        ) from error
    except ValueError as error:
        raise SettingsError(f"{str(path)!r}: is not the path of a file ({error})", hint="correct it") from error
    return Secret(content.removesuffix(b"\n").removesuffix(b"\r"), source)
