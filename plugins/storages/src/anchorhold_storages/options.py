"""What may stand in the settings for this backend and for the storages it uses."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from anchorhold.plugin import DurationIn, SecretReference


def _mode(owner: int, value: object) -> int:
    """TOML writes ``0o600``; people also write ``"0600"``, as Django does."""
    try:
        mode = int(value, 8) if isinstance(value, str) else value
    except ValueError:
        mode = None
    if isinstance(mode, int) and 0o777 < mode <= 0o7777:
        raise ValueError(
            f"0o{mode:o} has a setuid, setgid or sticky bit; write 0o{mode & 0o777:o} here, and set such a bit on the "
            "folder itself (chmod g+s), which new folders below it take over"
        )
    if not isinstance(mode, int) or isinstance(mode, bool) or not 0 <= mode <= 0o777 or mode & owner != owner:
        raise ValueError(f'write the mode as 0o600 or "0600", with at least 0o{owner:o} in it')
    return mode


BELOW: Final = re.compile(r"(?!/)(?!(?:.*/)?\.\.(?:/|\Z))[^\\\0]*", re.DOTALL)
"""A path below the storage, and nowhere else."""
NOT_BELOW: Final = "must be a relative path without .."


def _relative_path(value: str) -> str:
    if not BELOW.fullmatch(value):
        raise ValueError(NOT_BELOW)
    return str(PurePosixPath(value))


FileMode = Annotated[int, BeforeValidator(partial(_mode, 0o400))]
FolderMode = Annotated[int, BeforeValidator(partial(_mode, 0o700))]
Folder = Annotated[str, AfterValidator(_relative_path)]
Seconds = Annotated[float, Field(gt=0, le=3600), DurationIn("s")]
Port = Annotated[int, Field(ge=1, le=65535)]
relative_path = _relative_path


class Section(BaseModel):
    """Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)


class Options(Section):
    """``key_backends.<alias>.options``.

    Attributes:
        storage_alias: Which of the ``storages`` keeps the files.
        path: The folder for keys, unless a command names another.
        password: Encrypts keys that are given none of their own.
    """

    storage_alias: str = "default"
    path: Folder = "ca"
    password: SecretReference | None = None


class OcspOptions(Section):
    """``ocsp_key_backends.<alias>.options``.

    Attributes:
        storage_alias: Which of the ``storages`` keeps the files.
        path: The folder for keys of OCSP responders.
        encrypt_private_key: Whether each is encrypted with a random password, which the ledger keeps.
    """

    storage_alias: str = "default"
    path: Folder = "ocsp"
    encrypt_private_key: bool = True


class LocalOptions(Section):
    """``storages.<name>.options`` for ``backend = "local"``.

    Attributes:
        location: The folder everything is below.
        file_permissions_mode: Of new files.
        directory_permissions_mode: Of new folders.
    """

    location: Path
    file_permissions_mode: FileMode = 0o600
    directory_permissions_mode: FolderMode = 0o700


class RemoteOptions(Section):
    """``storages.<name>.options`` for a file system of fsspec: its own, passed on as they are."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True, defer_build=True)

    @model_validator(mode="after")
    def _nothing_local(self) -> Self:
        """Refuse what only a local folder has; file systems of fsspec would drop it."""
        for name in sorted(set(LocalOptions.model_fields) & set(self.model_extra or {})):
            raise PydanticCustomError("not_here", f"{name} is only for local folders and SFTP, so leave it out here")
        return self

    @property
    def given(self) -> dict[str, Any]:
        """What is for the file system; references are not resolved."""
        return dict(self.model_extra or {})


class S3Options(RemoteOptions):
    """``storages.<name>.options`` for ``backend = "s3://…"``; others are those of `s3fs.S3FileSystem`.

    Attributes:
        deadline: Seconds after which one operation is given up, all attempts together.
        config_kwargs: For `botocore.config.Config`; laid over our own time-outs and number of attempts.
    """

    deadline: Seconds = 30
    config_kwargs: dict[str, Any] = {}


class SftpOptions(Section):
    """``storages.<name>.options`` for ``backend = "sftp://…"``.

    Attributes:
        username: Unless the URL names one; by default that of this account.
        port: Unless the URL names one.
        password: For the account on the server.
        key_filename: A private key for it. If neither is given, the SSH agent and the keys in ``~/.ssh`` are tried.
        passphrase: Of that private key.
        known_hosts: A file in the format of OpenSSH with the server's host key; by default ``~/.ssh/known_hosts``.
        host_key: The server's host key itself, as ``ssh-ed25519 AAAA…``; ``known_hosts`` is not read then.
        timeout: Seconds the server may take for an answer.
        deadline: Seconds after which one operation is given up.
        file_permissions_mode: Of new files.
        directory_permissions_mode: Of new folders.
    """

    username: str | None = None
    port: Port = 22
    password: SecretReference | None = None
    key_filename: Path | None = None
    passphrase: SecretReference | None = None
    known_hosts: Path | None = None
    host_key: str | None = None
    timeout: Seconds = 10
    deadline: Seconds = 30
    file_permissions_mode: FileMode = 0o600
    directory_permissions_mode: FolderMode = 0o700
