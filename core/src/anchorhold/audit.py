"""Who does what: the actor of an operation, and the number that ties together what was done for one purpose."""

from __future__ import annotations

import getpass
import os
import socket
from dataclasses import dataclass, field
from functools import cache
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from anchorhold.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_LENGTH = 200
"""Characters in one part of an actor or in a correlation id."""


@dataclass(frozen=True, slots=True)
class Actor:
    """A person or program that acts on an installation. Recorded with what it does; it grants no rights.

    Attributes:
        kind: ``user`` for a person at a shell, ``service`` for a program, or another word of the caller.
        name: Which one, such as a login name.
        origin: Where the request came from, such as a host name or an address.

    Raises:
        InputError: A part is too long, or has characters that cannot be printed; or kind or name is empty.
    """

    kind: str
    name: str
    origin: str = ""

    def __post_init__(self) -> None:
        for what, text in (("kind", self.kind), ("name", self.name), ("origin", self.origin)):
            if not text and what != "origin":
                raise InputError(f"actor: has no {what}", hint=f"give a {what}")
            _check_text(f"actor {what}", text)

    def __str__(self) -> str:
        return f"{self.kind} {self.name}{f' at {self.origin}' if self.origin else ''}"

    def to_json(self) -> dict[str, str]:
        """As JSON has it."""
        return {"kind": self.kind, "name": self.name, "origin": self.origin}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Actor:
        """The opposite of `to_json`."""
        return cls(stored["kind"], stored["name"], stored["origin"])

    @classmethod
    def of_stored(cls, kind: str | None, name: str | None, origin: str | None) -> Actor:
        """As the ledger has it, where another release or program wrote it: made printable, and never refused."""
        return cls(_printable(kind or "") or "unknown", _printable(name or "") or "unknown", _printable(origin or ""))


def new_correlation_id() -> str:
    """A random correlation id: 16 hex digits."""
    return token_hex(8)


@cache
def shell_user() -> Actor:
    """The user who runs this process; the origin is this host.

    The name is that of the account, not what ``LOGNAME`` says. Under sudo it is the user who called that, and the
    origin names the account too. Both help to find out who it was; neither is proof, as anyone who can write the
    ledger can write any name into it.
    """
    account, host = _account(), _printable(socket.gethostname())
    caller = _printable(os.environ.get("SUDO_USER", ""))
    if caller and caller != account:
        return Actor("user", caller, _printable(f"{host} as {account}"))
    return Actor("user", account, host)


def service(name: str) -> Actor:
    """A program that runs for long and serves others, such as ``anchorhold serve``; the origin is this host."""
    return Actor("service", name, _printable(socket.gethostname()))


def _account() -> str:
    """Login name of the account of this process, else its number."""
    try:
        import pwd
    except ImportError:  # Windows
        return _printable(getpass.getuser()) or "unknown"
    try:
        return _printable(pwd.getpwuid(os.geteuid()).pw_name) or "unknown"
    except KeyError:  # a container's user is often in no table
        return f"uid {os.geteuid()}"


@dataclass(frozen=True, slots=True)
class AuditContext:
    """Who acts, and for which purpose. Recorded with each event, and passed to backends and wrappers.

    Attributes:
        actor: Who acts; by default the user who runs this process.
        correlation_id: The same for all that is done for one purpose, such as one command or one web request.

    Raises:
        InputError: The correlation id is too long, or has characters that cannot be printed.
    """

    actor: Actor = field(default_factory=shell_user)
    correlation_id: str = field(default_factory=new_correlation_id)

    def __post_init__(self) -> None:
        _check_text("correlation id", self.correlation_id)

    @classmethod
    def of(cls, actor: Actor | str, correlation_id: str | None = None) -> AuditContext:
        """With a new correlation id unless one is given; a text for the actor names a service on this host."""
        who = service(actor) if isinstance(actor, str) else actor
        return cls(who, correlation_id or new_correlation_id())


def _check_text(what: str, text: str) -> None:
    if len(text) > MAX_LENGTH or not text.isprintable():
        raise InputError(
            f"{what}: is longer than {MAX_LENGTH} characters, or contains unprintable ones", hint="shorten it"
        )


def _printable(text: str) -> str:
    return "".join(character for character in text if character.isprintable())[:MAX_LENGTH]
