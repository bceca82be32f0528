"""Files on any file system that fsspec knows: object stores, network shares, memory."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anchorhold.errors import BackendFailedError, KeyExistsError, SettingsError
from anchorhold_storages.key_files import below
from anchorhold_storages.option_secrets import cause_without_secrets, resolve_references
from anchorhold_storages.storage import NO_KEY, UNTRIED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from anchorhold_storages.options import RemoteOptions

_WITHOUT_FOLDERS = frozenset({"gs", "gcs", "abfs", "abfss", "az", "adl"})
"""Object stores: there is not a folder to make, and making one would make a bucket with a misspelt name."""


class RemoteStorage:
    """A place on a file system of fsspec, which is opened for each operation.

    So nothing of it (connections, threads, cached listings) can be stale, or be inherited by a forked process.

    Args:
        url: Of the folder everything is below, such as ``gs://bucket/folder``.
        options: Of the file system.
        environment: The variables that references in them name.
        subject: What to call it in messages.
    """

    def __init__(self, url: str, options: RemoteOptions, environment: Mapping[str, str], subject: str) -> None:
        self._url = url
        self._options = options.given
        self._environment = environment
        self._subject = subject
        self._protocol = url.partition("://")[0]

    def read(self, path: str) -> bytes | None:
        """The content of a file; None if there is no such file.

        Raises:
            BackendFailedError: The store cannot be reached.
        """
        files, root = self._open()
        try:
            content: bytes = files.cat_file(f"{root}/{path}")
        except FileNotFoundError:
            return None
        except Exception as error:
            raise self._failed("read", path, error) from self._cause(error)
        return content

    def key_files(self) -> list[str]:
        """See `Storage.key_files`.

        Raises:
            BackendFailedError: The store cannot be reached.
        """
        files, root = self._open()
        try:
            found = files.find(root)
        except FileNotFoundError:
            return []
        except Exception as error:
            raise self._failed("list", "the storage", error) from self._cause(error)
        return below(root, found)

    def check(self, folder: str) -> tuple[str, ...]:
        """See `Storage.check`; a bucket must be there, for nobody makes one.

        Raises:
            BackendFailedError: The store cannot be reached, or has no such bucket.
        """
        self.read(f"{folder}/{NO_KEY}")
        untried = f"{self._subject}: {UNTRIED}"
        if self._protocol not in _WITHOUT_FOLDERS:
            return (untried,)
        files, root = self._open()
        bucket = root.strip("/").partition("/")[0]
        try:
            files.info(bucket)
        except FileNotFoundError as error:
            raise BackendFailedError(
                f"{self._subject}: there is no {bucket}", hint="correct its URL in the settings, or make it"
            ) from error
        except Exception:  # not everybody who may use what is in a bucket may look at the bucket
            return (untried, f"{self._subject}: whether there is {bucket} could not be checked")
        return (untried,)

    def settle(self, path: str, _: Callable[[bytes], bool]) -> bytes | None:
        """As `read`: a file has its name from the beginning."""
        return self.read(path)

    def write_new(self, path: str, content: bytes) -> None:
        """Create a file; where the store can, it is the store that refuses to overwrite.

        Raises:
            KeyExistsError: There is such a file; it is left alone.
            BackendFailedError: It cannot be written.
        """
        if self.read(path) is not None:  # some file systems ignore the mode
            raise self._exists(path)
        files, root = self._open()
        target = f"{root}/{path}"
        try:
            if self._protocol not in _WITHOUT_FOLDERS:
                files.makedirs(target.rpartition("/")[0], exist_ok=True)
            self._check_elsewhere(files, target.rpartition("/")[0])
            files.pipe_file(target, content, mode="create")
        except FileExistsError:
            raise self._exists(path) from None
        except SettingsError:
            raise
        except Exception as error:
            raise self._failed("write", path, error) from self._cause(error)

    def _check_elsewhere(self, files: Any, folder: str) -> None:
        """Refuse a class that turns out to write to the local disk, before it gets a key; no list knows all of them.

        Raises:
            SettingsError: What it writes is found here.
        """
        if not Path(folder).is_dir():  # so it is somewhere else, and nothing has to be tried
            return
        probe = f"{folder}/.probe-{secrets.token_hex(8)}"
        files.pipe_file(probe, b"probe")
        is_here = Path(probe).exists()
        files.rm_file(probe)
        if is_here:
            raise SettingsError(
                f"{self._subject}: {self._protocol}:// writes to the local disk, without the modes of keys",
                hint='write backend = "local" and options = { location = "/folder" }',
            )

    def delete(self, path: str) -> bool:
        """Remove a file; False if it was not there.

        Raises:
            BackendFailedError: It may still be there.
        """
        files, root = self._open()
        try:
            files.info(f"{root}/{path}")  # unlike exists(), this does not take a failure for an absence
            files.rm_file(f"{root}/{path}")
        except FileNotFoundError:
            return False
        except Exception as error:
            raise self._failed("delete", path, error) from self._cause(error)
        return True

    def _open(self) -> tuple[Any, str]:
        """The file system and the path of our folder on it."""
        import fsspec

        from anchorhold_storages.filesystems import check_class, check_options

        try:
            kind = fsspec.get_filesystem_class(self._protocol)
        except (ValueError, ImportError) as error:  # these two name the protocol, and no secret
            raise BackendFailedError(
                f"{self._subject}: cannot be opened ({error})", hint="correct its backend, or install what it needs"
            ) from error
        check_class(kind, f"{self._subject}, {self._protocol}://")
        check_options(kind, self._options, f"{self._subject}, options")
        options = resolve_references(self._options, self._environment)
        try:
            files, root = fsspec.url_to_fs(self._url, **{**options, "skip_instance_cache": True})
        except Exception as error:  # every file system has exceptions of its own
            raise self._failed("open", "the storage", error) from self._cause(error)
        return files, root.rstrip("/")

    def _exists(self, path: str) -> KeyExistsError:
        return KeyExistsError(f"{self._subject}: {path} exists already", hint="choose another path")

    def _cause(self, error: Exception) -> Exception | None:
        return cause_without_secrets(error, self._options, resolve_references(self._options, self._environment))

    def _failed(self, what: str, path: str, error: Exception) -> BackendFailedError:
        number = getattr(error, "errno", None)  # the text beside it may quote anything
        reason = os.strerror(number) if isinstance(number, int) else _in_short(error)
        return BackendFailedError(
            f"{self._subject}: cannot {what} {path} ({reason})",
            hint="check its URL and options in the settings and that it can be reached",
        )


def _in_short(error: Exception) -> str:
    """What may be said of an error whose text may quote anything: its class, or the package that is not there."""
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"the Python package {error.name} is not installed"
    return type(error).__name__
