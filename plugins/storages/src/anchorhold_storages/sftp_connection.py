"""Logging in to an SSH server whose host key is known, and saying why that failed."""

from __future__ import annotations

import logging
import os
import socket
from dataclasses import dataclass
from getpass import getuser
from typing import TYPE_CHECKING, Any, Final, NoReturn, Self
from urllib.parse import unquote, urlsplit

from paramiko import MissingHostKeyPolicy, PKey, SSHClient, SSHException
from paramiko.hostkeys import HostKeyEntry, InvalidHostKey
from paramiko.pkey import UnknownKeyType
from paramiko.ssh_exception import (
    AuthenticationException,
    BadHostKeyException,
)

from anchorhold.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from anchorhold.plugin import Secret
    from anchorhold_storages.options import SftpOptions

FAILURES: Final = (OSError, EOFError, SSHException, InvalidHostKey)
"""What paramiko raises for what can go wrong."""

logging.getLogger("paramiko").addHandler(logging.NullHandler())  # else its tracebacks go to standard error


class _LoginError(SSHException):
    """Found out here; its text is for the person."""


class _Refuse(MissingHostKeyPolicy):
    """A server that cannot prove who it is gets no key and no password."""

    def missing_host_key(self, client: SSHClient, hostname: str, key: PKey) -> NoReturn:
        raise _LoginError(f"its host key is not known; it shows {key.get_name()} {key.fingerprint}")


@dataclass(frozen=True, slots=True)
class SftpServer:
    """Where to log in, and as whom."""

    host: str
    port: int
    username: str

    @classmethod
    def parse(cls, url: str, options: SftpOptions, subject: str) -> tuple[Self, str]:
        """The server and the folder that a URL names.

        Raises:
            SettingsError: It cannot be read, or has a password in it.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:  # quotes the URL
            host, port, parts = None, None, urlsplit("")
        if not host or parts.password is not None:
            raise SettingsError(
                f"{subject}: its URL is not one of a server, or has a password in it",
                hint='write sftp://user@host/folder, and password = { env = "VARIABLE" } in its options',
            )
        username = unquote(parts.username or "") or options.username or getuser()
        return cls(host, port or options.port, username), unquote(parts.path).rstrip("/")

    @property
    def name(self) -> str:
        """As known_hosts has it."""
        return self.host if self.port == 22 else f"[{self.host}]:{self.port}"

    def log_in(self, client: SSHClient, options: SftpOptions, environment: Mapping[str, str]) -> None:
        """Connect, check the host key, authenticate.

        Raises:
            SettingsError: A reference leads nowhere.
            Exception: One of `FAILURES`.
        """
        password = options.password.require(environment, "storages").reveal() if options.password else None
        passphrase = options.passphrase.require(environment, "storages") if options.passphrase else None
        key = _private_key(options.key_filename.expanduser(), passphrase) if options.key_filename else None
        chosen = password is not None or key is not None
        client.set_missing_host_key_policy(_Refuse())
        self._trust(client, options)
        client.connect(
            self.host,
            self.port,
            self.username,
            password=password,
            pkey=key,
            allow_agent=not chosen,
            look_for_keys=not chosen,
            sock=socket.create_connection((self.host, self.port), timeout=min(5, options.timeout)),
            banner_timeout=options.timeout,
            auth_timeout=options.timeout,
            channel_timeout=options.timeout,
        )

    def _trust(self, client: SSHClient, options: SftpOptions) -> None:
        if options.host_key is not None:
            entry: Any = HostKeyEntry.from_line(f"{self.name} {options.host_key}")
            if entry is None or entry.key is None:
                raise _LoginError("host_key is not a public key as ssh-keyscan writes it")
            client.get_host_keys().add(self.name, entry.key.get_name(), entry.key)
        elif options.known_hosts is not None:
            client.load_system_host_keys(str(options.known_hosts.expanduser()))
        else:
            client.load_system_host_keys()


def _private_key(path: Path, passphrase: Secret | None) -> PKey:
    """The key in a file; paramiko's own search reports the failure of the last kind of key it tried."""
    try:
        return PKey.from_path(path, passphrase.reveal_bytes() if passphrase else None)  # type: ignore[arg-type]  # bytes
    except TypeError as error:
        raise _LoginError(f"{path} is encrypted and needs a passphrase") from error
    except (ValueError, UnknownKeyType) as error:
        raise _LoginError(f"{path} is not a private key for SSH, or its passphrase is another") from error


_REASONS: Final[dict[type[Exception], str]] = {
    BadHostKeyException: "its host key does not match the known one; the connection may be intercepted",
    AuthenticationException: "access denied: it refused to log in {username!r}",
    ConnectionRefusedError: "cannot be reached",
    socket.gaierror: "there is no host {host!r}",
    TimeoutError: "did not answer in time",
    PermissionError: "access denied",
    InvalidHostKey: "a line of known_hosts cannot be read",
    ConnectionError: "closed the connection",
    EOFError: "closed the connection",
}
"""In order: the first that fits is taken, so special ones stand before general ones."""

_TEXTS: Final = {
    "banner": "does not answer as an SSH server",
    "No authentication methods": "access denied: there is no key, agent or password to log in {username!r} with",
    "dropped": "closed the connection",
}
"""What paramiko only says in words."""


def reason(error: Exception, server: SftpServer) -> str:
    """Why an operation failed, in a few words without any secret."""
    facts = {"username": server.username, "host": server.host}
    filename = getattr(error, "filename", None)
    if isinstance(error, _LoginError):
        return str(error)
    if isinstance(error, OSError) and filename:  # on this side
        return f"{filename} cannot be read: {os.strerror(error.errno or 0)}"
    for kind, words in _REASONS.items():
        if isinstance(error, kind):
            return words.format_map(facts)
    for text, words in _TEXTS.items():
        if text in str(error):
            return words.format_map(facts)
    number = getattr(error, "errno", None)
    return os.strerror(number) if isinstance(number, int) else "the server refused"
