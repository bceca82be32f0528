"""Files on any file system that fsspec knows: object stores, SFTP, memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anchorhold.errors import BackendFailedError, KeyExistsError

if TYPE_CHECKING:
    from collections.abc import Mapping


class RemoteStorage:
    """A place on a file system of fsspec.

    Args:
        url: Of the folder everything is below, such as ``s3://bucket/folder``.
        options: Of the file system, secrets resolved.
        subject: What to call it in messages.
    """

    def __init__(self, url: str, options: Mapping[str, Any], subject: str) -> None:
        self._subject = subject
        import fsspec

        try:
            fsspec.get_filesystem_class(url.partition("://")[0].partition("::")[0])
        except (ValueError, ImportError) as error:  # these two name the protocol, and no secret
            raise BackendFailedError(
                f"{subject}: cannot be opened ({error})", hint="correct its backend, or install what it needs"
            ) from error
        try:
            self._files, self._root = fsspec.url_to_fs(url, **options)
        except Exception as error:  # every file system has exceptions of its own
            raise self._failed("open", "", error) from error

    def read(self, path: str) -> bytes | None:
        """The content of a file; None if there is no such file.

        Raises:
            BackendFailedError: The store cannot be reached.
        """
        try:
            content: bytes = self._files.cat_file(self._at(path))
        except FileNotFoundError:
            return None
        except Exception as error:
            raise self._failed("read", path, error) from error
        return content

    def write_new(self, path: str, content: bytes) -> None:
        """Create a file; where the store can, it is the store that refuses to overwrite.

        Raises:
            KeyExistsError: There is such a file; it is left alone.
            BackendFailedError: It cannot be written.
        """
        target = self._at(path)
        try:
            self._files.makedirs(target.rpartition("/")[0], exist_ok=True)
            self._files.pipe_file(target, content, mode="create")
        except FileExistsError:
            raise KeyExistsError(f"{self._subject}: {path} exists already", hint="choose another path") from None
        except Exception as error:
            raise self._failed("write", path, error) from error

    def delete(self, path: str) -> bool:
        """Remove a file; False if it was not there.

        Raises:
            BackendFailedError: It may still be there.
        """
        try:
            if not self._files.exists(self._at(path)):
                return False
            self._files.rm_file(self._at(path))
        except FileNotFoundError:
            return False
        except Exception as error:
            raise self._failed("delete", path, error) from error
        return True

    def _at(self, path: str) -> str:
        return f"{self._root.rstrip('/')}/{path}"

    def _failed(self, what: str, path: str, error: Exception) -> BackendFailedError:
        reason = getattr(error, "strerror", None) or type(error).__name__
        return BackendFailedError(
            f"{self._subject}: cannot {what} {path or 'the storage'} ({reason})",
            hint="check its URL and options in the settings and that it can be reached",
        )
