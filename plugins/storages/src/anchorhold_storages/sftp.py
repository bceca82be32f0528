"""Files on an SSH server, over SFTP (draft-ietf-secsh-filexfer-02), through paramiko."""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
from contextlib import contextmanager, suppress
from threading import Timer
from typing import TYPE_CHECKING

from paramiko import SFTPAttributes, SFTPClient, SFTPFile, SSHClient, SSHException
from paramiko.sftp import CMD_EXTENDED, CMD_OPEN, SFTP_FLAG_CREATE, SFTP_FLAG_EXCL, SFTP_FLAG_WRITE

from anchorhold.errors import BackendFailedError, KeyExistsError
from anchorhold_storages.key_files import KEY_FILE
from anchorhold_storages.sftp_connection import FAILURES, SftpServer, reason
from anchorhold_storages.storage import NO_KEY, UNTRIED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from anchorhold_storages.options import SftpOptions


class SftpStorage:
    """A folder on an SSH server. Each operation has its own connection, which ends with it.

    So no connection can be stale, left open at the end, shared by threads, or inherited by a forked process.

    Args:
        url: ``sftp://user@host:port/folder``; the folder is absolute.
        options: Checked.
        environment: The variables that references in the options name.
        subject: What to call it in messages.

    Raises:
        SettingsError: The URL cannot be read.
    """

    def __init__(self, url: str, options: SftpOptions, environment: Mapping[str, str], subject: str) -> None:
        self._server, self._root = SftpServer.parse(url, options, subject)
        self._options = options
        self._environment = environment
        self._subject = subject

    def read(self, path: str) -> bytes | None:
        """The content of a file; None if there is no such file.

        Raises:
            BackendFailedError: The server cannot be reached, or refuses.
        """
        target = self._at(path)
        with self._connected("read", path) as files:
            return _content(files, target)

    def check(self, folder: str) -> tuple[str, ...]:
        """See `Storage.check`.

        Raises:
            BackendFailedError: The server cannot be reached, or refuses.
        """
        self.read(f"{folder}/{NO_KEY}")
        return (f"{self._subject}: {UNTRIED}",)

    def key_files(self) -> list[str]:
        """See `Storage.key_files`.

        Raises:
            BackendFailedError: The server cannot be reached, or refuses.
        """
        with self._connected("list", "the storage") as files:
            return sorted(_key_files(files, self._root, ""))

    def settle(self, path: str, is_whole: Callable[[bytes], bool]) -> bytes | None:
        """See `Storage.settle`.

        Raises:
            BackendFailedError: It cannot be read, or what is left cannot be removed.
        """
        target = self._at(path)
        with self._connected("read", path) as files:
            for temporary in _temporaries(files, target):
                found = _content(files, temporary)
                if found is not None and is_whole(found) and not _exists(files, target):
                    files.rename(temporary, target)
                else:
                    _remove(files, temporary)
            return _content(files, target)

    def write_new(self, path: str, content: bytes) -> None:
        """Create a file, all at once, with its mode from the first moment.

        Raises:
            KeyExistsError: There is such a file; it is left alone.
            BackendFailedError: It was not written, or nobody knows whether it was.
        """
        target = self._at(path)
        folder, _, name = target.rpartition("/")
        temporary = f"{folder}/.{name}.{secrets.token_hex(8)}"
        with self._connected("write", path) as files:
            self._make_folder(files, folder)
            try:
                self._fill(files, temporary, content)
                files.rename(temporary, target)  # refuses to replace, by the protocol; OpenSSH makes a hard link
            except FAILURES:
                with suppress(*FAILURES):  # the failure itself is what counts
                    files.remove(temporary)
                if _exists(files, target):
                    raise KeyExistsError(
                        f"{self._subject}: {path} exists already", hint="choose another path"
                    ) from None
                raise

    def delete(self, path: str) -> bool:
        """Remove a file, and all that is left of writing it; False if it was not there.

        Raises:
            BackendFailedError: It may still be there.
        """
        target = self._at(path)
        with self._connected("delete", path) as files:
            for temporary in _temporaries(files, target):
                _remove(files, temporary)
            return _remove(files, target)

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}"

    def _make_folder(self, files: _Files, folder: str) -> None:
        if not folder or _exists(files, folder):
            return
        self._make_folder(files, folder.rpartition("/")[0])
        mode = self._options.directory_permissions_mode
        try:
            files.mkdir(folder, mode & 0o700)
        except OSError:
            if not _exists(files, folder):  # nor made by another process meanwhile
                raise
            return
        files.chmod(folder, mode)  # only ever widens

    def _fill(self, files: _Files, path: str, content: bytes) -> None:
        mode = self._options.file_permissions_mode
        with files.create(path, mode & 0o600) as file:
            file.chmod(mode)  # for servers that ignore the mode of a new file, while it is still empty
            file.write(content)
            file.flush()
            files.sync(file)

    @contextmanager
    def _connected(self, what: str, path: str) -> Iterator[_Files]:
        """A session for one operation, in which every failure becomes one sentence."""
        client = SSHClient()
        deadline = Timer(self._options.deadline, _cut, [client])
        deadline.daemon = True
        deadline.start()
        try:
            self._server.log_in(client, self._options, self._environment)
            yield _Files.over(client, self._options.timeout)
        except FAILURES as error:
            late = deadline.finished.is_set()
            why = f"did not answer within {self._options.deadline:g} s" if late else reason(error, self._server)
            room = " and has room" if what == "write" else ""  # the protocol has no word for a full disk
            raise BackendFailedError(
                f"{self._subject}: cannot {what} {path} ({why})",
                hint=f"check its URL, options and host key, and that it can be reached{room}",
            ) from error
        finally:
            deadline.cancel()
            client.close()


class _Files(SFTPClient):
    """With two requests that paramiko does not make by itself."""

    @classmethod
    def over(cls, client: SSHClient, timeout: float) -> _Files:
        """A session on that connection.

        Raises:
            SSHException: The server offers none.
        """
        transport = client.get_transport()
        files = None if transport is None else cls.from_transport(transport)
        channel = None if files is None else files.get_channel()
        if files is None or channel is None:
            raise SSHException("no SFTP")
        channel.settimeout(timeout)
        return files

    def create(self, path: str, mode: int) -> SFTPFile:
        """A new file that has its mode when it comes into being; there must be none of that name."""
        attributes = SFTPAttributes()
        attributes.st_mode = mode
        flags = SFTP_FLAG_WRITE | SFTP_FLAG_CREATE | SFTP_FLAG_EXCL
        _, answer = self._request(CMD_OPEN, path, flags, attributes)  # type: ignore[attr-defined]
        return SFTPFile(self, answer.get_binary(), "wb")

    def sync(self, file: SFTPFile) -> None:
        """Have the server write a file to its disk, if it knows how (PROTOCOL of OpenSSH, section 4.4)."""
        try:
            self._request(CMD_EXTENDED, "fsync@openssh.com", file.handle)  # type: ignore[attr-defined]
        except OSError as error:
            if error.errno is not None or "support" not in str(error):  # paramiko keeps the text, not the code
                raise


def _cut(client: SSHClient) -> None:
    """End a connection that other code waits for."""
    if (transport := client.get_transport()) is not None:
        transport.close()


def _content(files: SFTPClient, path: str) -> bytes | None:
    try:
        if stat.S_ISDIR(files.stat(path).st_mode or 0):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        with files.open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


def _temporaries(files: SFTPClient, path: str) -> list[str]:
    """What writing a file has left beside it, or is just writing."""
    folder, _, name = path.rpartition("/")
    pattern = re.compile(re.escape(f".{name}.") + "[0-9a-f]{16}")
    try:
        return [f"{folder}/{found}" for found in files.listdir(folder or "/") if pattern.fullmatch(found)]
    except FileNotFoundError:
        return []


def _key_files(files: SFTPClient, root: str, folder: str) -> Iterator[str]:
    """Paths below the root of key files in a folder and those below it; links to folders are not followed."""
    try:
        entries = files.listdir_attr(f"{root}/{folder}")
    except FileNotFoundError:
        return
    for entry in entries:
        path = f"{folder}{entry.filename}"
        if stat.S_ISDIR(entry.st_mode or 0):
            yield from _key_files(files, root, f"{path}/")
        elif KEY_FILE.fullmatch(entry.filename):
            yield path


def _remove(files: SFTPClient, path: str) -> bool:
    """Remove a file; whether it was there."""
    try:
        files.remove(path)
    except FileNotFoundError:
        return False
    return True


def _exists(files: SFTPClient, path: str) -> bool:
    try:
        files.stat(path)
    except FileNotFoundError:
        return False
    return True
