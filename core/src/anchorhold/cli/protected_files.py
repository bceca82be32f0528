"""What no command writes over: private keys, requests, databases, the settings, secrets, and what lies among keys."""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from anchorhold.errors import OutputError, SettingsError
from anchorhold.pkcs8 import is_encrypted
from anchorhold.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from anchorhold.settings import LoadedSettings

INSPECTED_OCTETS: Final = 4 << 20
"""Octets of a file that are looked at together; behind them, only words are looked for."""
KEY_FILE: Final = re.compile(r"[0-9a-f]{40}\.key")
"""Names of files of keys, as the backend `storages` makes them."""
_TOKEN_FILES: Final = frozenset({"token.object"})
"""Files of a folder that is a token, as SoftHSM keeps them."""
_PIN_SOURCE: Final = re.compile(r"[?&]pin-source=(?:file:(?://(?:localhost)?)?)?(/[^&]*)")
"""In a PKCS#11 URI (RFC 7512, section 2.4)."""
_SECRET_FILE: Final = re.compile(r"ANCHORHOLD_\w+_FILE")
_BESIDE: Final = ("", "-wal", "-shm", "-journal")
"""Files of one SQLite database."""

_BEGINNINGS: Final = {
    b"SQLite format 3\0": "is a database",
    b"\x37\x7f\x06\x82": "is the log of a database",
    b"\x37\x7f\x06\x83": "is the log of a database",
    b"\xfe\xed\xfe\xed": "holds a private key",  # Java key stores
    b"\xce\xce\xce\xce": "holds a private key",
    b"PuTTY-User-Key-File": "holds a private key",
}
_WORDS: Final = {
    b"PRIVATE KEY": "holds a private key",
    b"AGE-SECRET-KEY-": "holds a private key",
    b"CERTIFICATE REQUEST-----": "holds a certificate signing request",
    b"SPKAC=": "holds a certificate signing request",
    **dict.fromkeys((b"[key_backends.", b"[ocsp_key_backends.", b"[storages."), "holds settings"),
}
_MAX_SECRET_LENGTH: Final = 1024
"""Octets of a line that may be a password."""
MAX_WORD_LENGTH: Final = max(map(len, _WORDS))
_NUMBERS: Final = {b"\x02\x01\x00", b"\x02\x01\x01", b"\x02\x01\x03"}
"""With which PKCS#8, PKCS#1, SEC 1 (0 or 1) and PKCS#12 (3) begin: their version."""


@dataclass(frozen=True, slots=True)
class ProtectedFiles:
    """What the settings say of files that are not for results.

    Attributes:
        files: Each with what it is.
        folders: Where keys are kept.
    """

    files: Mapping[Path, str]
    folders: tuple[Path, ...]

    def check(self, target: Path, shown: Path) -> None:
        """Refuse a place by its name.

        Args:
            target: The file, links followed, whether it is there or not.
            shown: The same as it was named, for the message.

        Raises:
            OutputError: It is not for results.
        """
        reason = self.files.get(target) or self._linked(target) or self._among_keys(target.parent)
        if reason is not None:
            raise OutputError(f"{shown}: {reason}", hint="name another file")

    def check_folder(self, target: Path, shown: Path) -> None:
        """Refuse a folder in which there are, or will be, keys or the ledger.

        Args:
            target: The folder, links followed, whether it is there or not.
            shown: The same as it was named, for the message.

        Raises:
            OutputError: It is not for results.
        """
        reason = self._among_keys(target) or self._among_keys(target.parent)
        if reason is None and any(kept.is_relative_to(target) for kept in (*self.folders, *self.files)):
            reason = "is where keys, the ledger or the settings are kept"
        if reason is not None:
            raise OutputError(f"{shown}: {reason}", hint="name another folder")

    def _among_keys(self, folder: Path) -> str | None:
        if any(folder.is_relative_to(kept) for kept in self.folders):
            return "is in a folder of private keys"
        return "is in a folder with private keys" if _holds_keys(folder) else None

    def _linked(self, target: Path) -> str | None:
        """What the file is by another of its names."""
        try:
            status = target.stat()
        except OSError:  # not there, so it has one name
            return None
        if status.st_nlink < 2:
            return None
        return next((reason for kept, reason in self.files.items() if kept.exists() and kept.samefile(target)), None)


NOTHING_PROTECTED: Final = ProtectedFiles({}, ())


def protected_by_settings(loaded: LoadedSettings, environment: Mapping[str, str]) -> ProtectedFiles:
    """What those settings say of files."""
    files = {_real(place): "holds a secret" for place in (*_secret_files(loaded), *_named_by(environment))}
    if loaded.path is not None:
        files[_real(loaded.path)] = "is the settings file"
    scheme, _, place = loaded.database_url(environment).partition(":///")
    if scheme == "sqlite" and place:
        files |= {_real(f"{place}{end}"): "is the ledger" for end in _BESIDE}
    return ProtectedFiles(files, tuple(_real(folder) for folder in _key_folders(loaded)))


def protected_as_known(config: Path | None, environment: Mapping[str, str]) -> ProtectedFiles:
    """The same for what never writes over a file, and must work where the settings do not: then nothing is known.

    Args:
        config: The settings file that was named, if one was.
        environment: The variables.
    """
    try:
        return protected_by_settings(load_settings(config, environment), environment)
    except SettingsError:
        return NOTHING_PROTECTED


def protected_content(content: bytes) -> str | None:
    """What makes the content of a file too precious to be written over, as words behind its name; None if nothing."""
    for beginning, reason in _BEGINNINGS.items():
        if content.startswith(beginning):
            return reason
    plain = content.replace(b"\0", b"") if content[:2] in (b"\xff\xfe", b"\xfe\xff") else content  # UTF-16
    word = protected_word(plain)
    if word is not None:
        return word
    if b'"kty"' in plain and re.search(rb'"(d|k)"\s*:', plain):  # JWK
        return "holds a private key"
    return _protected_der(content) or _protected_der(_bare_base64(content))


def looks_like_password(content: bytes) -> bool:
    """Whether a file is one line, as those are that hold a password, a PIN or a token."""
    line = content.rstrip(b"\r\n")
    return 0 < len(line) <= _MAX_SECRET_LENGTH and b"\n" not in line and b"\0" not in line


def protected_word(content: bytes) -> str | None:
    """What a word anywhere in the content tells, as `protected_content` says it."""
    return next((reason for word, reason in _WORDS.items() if word in content), None)


def _bare_base64(content: bytes) -> bytes:
    """What base64 without the lines of PEM stands for; nothing if it is none."""
    if not content.startswith(b"M"):  # as every SEQUENCE does that is longer than a few octets
        return b""
    try:
        return binascii.a2b_base64(b"".join(content.split()), strict_mode=True)
    except binascii.Error:
        return b""


def _protected_der(content: bytes) -> str | None:
    inside = _in_sequence(content)
    if inside is None:
        return None
    if inside[:3] in _NUMBERS or is_encrypted(content):
        return "holds a private key"
    deeper = _in_sequence(inside)
    return "holds a certificate signing request" if deeper is not None and deeper[:3] == b"\x02\x01\x00" else None


def _in_sequence(content: bytes) -> bytes | None:
    """What follows the head of a SEQUENCE, BER too; None if it is none."""
    if content[:1] != b"\x30" or len(content) < len(b"\x30\x00"):
        return None
    return content[2 + (content[1] & 0x7F if content[1] & 0x80 else 0) :]


def _holds_keys(folder: Path) -> bool:
    try:
        return any(KEY_FILE.fullmatch(entry.name) or entry.name in _TOKEN_FILES for entry in folder.iterdir())
    except OSError:  # not to be listed, or not there
        return False


def _key_folders(loaded: LoadedSettings) -> Iterable[Path]:
    """Where aliases keep key files on this machine, as far as the settings tell."""
    settings = loaded.settings
    locations = {name: storage.options.get("location") for name, storage in settings.storages.items()}
    for aliases, folder in ((settings.key_backends, "ca"), (settings.ocsp_key_backends, "ocsp")):
        for alias in aliases.values():
            location = locations.get(str(alias.options.get("storage_alias", "default")))
            path = str(alias.options.get("path", folder))
            if alias.backend_type == "storages" and isinstance(location, str) and Path(path) != Path():
                yield Path(location) / path


def _secret_files(loaded: LoadedSettings) -> Iterable[str]:
    """Files to which references in the settings lead."""
    settings = loaded.settings
    if settings.database.source == "file":
        yield settings.database.place
    for section in (settings.storages, settings.key_backends, settings.ocsp_key_backends, settings.wrappers):
        for entry in section.values():
            yield from _named_in(entry.options)


def _named_by(environment: Mapping[str, str]) -> Iterable[str]:
    """Files of secrets that variables of ours lead to."""
    return (value for name, value in environment.items() if _SECRET_FILE.fullmatch(name) and value)


def _named_in(value: Any) -> Iterable[str]:
    match value:
        case {"file": str(place), **rest} if not rest:
            yield place
        case str() if value.startswith("pkcs11:"):
            yield from (unquote(place) for place in _PIN_SOURCE.findall(value))
        case dict():
            for part in value.values():
                yield from _named_in(part)
        case list():
            for part in value:
                yield from _named_in(part)


def _real(place: Path | str) -> Path:
    return Path(place).expanduser().resolve()
