"""What is kept of secrets: digests of random ones, argon2id hashes of passwords, the rest encrypted by a key file."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from cryptography.fernet import Fernet, InvalidToken

from anchorhold.errors import InputError, SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold.secret import Secret

MIN_PASSWORD: Final = 12
MAX_PASSWORD: Final = 128
"""Characters of a password (OWASP ASVS 5.0, 6.2.1 and 6.2.9)."""
RANDOM: Final = 32
"""Octets of what is random."""

_HASHER: Final = PasswordHasher()
_NOBODY: Final = _HASHER.hash(secrets.token_urlsafe(RANDOM))
"""Verified where there is no account, so that the time an answer takes does not tell."""


def random_secret() -> str:
    """A new secret that nobody can guess, for a link, a session or a token."""
    return secrets.token_urlsafe(RANDOM)


def digest_of(secret: str) -> str:
    """What is kept of a random secret."""
    return sha256(secret.encode()).hexdigest()


def hash_of(password: Secret) -> str:
    """What is kept of a password.

    Raises:
        InputError: It is too short or too long.
    """
    text = password.reveal()
    if not MIN_PASSWORD <= len(text) <= MAX_PASSWORD:
        raise InputError(
            f"password: has not between {MIN_PASSWORD} and {MAX_PASSWORD} characters", hint="choose another one"
        )
    return _HASHER.hash(text)


def is_password(stored: str | None, password: Secret) -> bool:
    """Whether it is the password; takes as long where there is none."""
    try:
        _HASHER.verify(stored or _NOBODY, password.reveal()[: MAX_PASSWORD + 1])
    except (Argon2Error, InvalidHashError):
        return False
    return stored is not None


class Sealed:
    """Encrypts what must be read again, such as the secret of a second factor.

    Args:
        file: With the key; made with mode 0600 when something is encrypted and it is not there.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def seal(self, text: str) -> str:
        """Encrypt."""
        if not self._file.exists():
            _make_key(self._file)
        return Fernet(self._file.read_bytes()).encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """Decrypt.

        Raises:
            SettingsError: The file is gone, or has another key.
        """
        try:
            return Fernet(self._file.read_bytes()).decrypt(sealed.encode()).decode()
        except (OSError, ValueError, InvalidToken) as error:
            raise SettingsError(
                f"{self._file}: is not the key that second factors are encrypted with", hint="bring that file back"
            ) from error


def _make_key(file: Path) -> None:
    """Make a key file, whole or not at all; another process that is faster wins."""
    new = file.with_name(f"{file.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as made:
            made.write(Fernet.generate_key())
            made.flush()
            os.fsync(made.fileno())
        with suppress(FileExistsError):
            file.hardlink_to(new)
    finally:
        new.unlink(missing_ok=True)
