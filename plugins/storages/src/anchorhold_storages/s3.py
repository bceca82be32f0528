"""Files in a bucket of S3, or of a store that speaks its protocol, through s3fs."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any, Final, TypeVar

import s3fs  # type: ignore[import-untyped]
from aiobotocore.session import AioSession  # type: ignore[import-untyped]
from fsspec.asyn import get_loop, reset_lock, sync

from anchorhold.errors import BackendFailedError, KeyExistsError
from anchorhold_storages.filesystems import check_options
from anchorhold_storages.key_files import below
from anchorhold_storages.option_secrets import cause_without_secrets, resolve_references
from anchorhold_storages.s3_errors import code_of, reason
from anchorhold_storages.storage import NO_KEY, UNTRIED

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from anchorhold_storages.options import S3Options

T = TypeVar("T")

os.register_at_fork(after_in_child=reset_lock)  # fsspec's thread is not in the child; older versions do not notice

LIMITS: Final = {
    "connect_timeout": 5,
    "read_timeout": 10,
    "retries": {"total_max_attempts": 2, "mode": "standard"},
}
"""Seconds and attempts for one request, unless ``config_kwargs`` says otherwise."""


class S3Storage:
    """A folder in a bucket. Each operation opens a client and closes it, whatever happens.

    So no connection can be stale, left open at the end, or inherited by a forked process, and nothing is cached.
    The work is done in the thread that fsspec keeps for this; any number of threads may wait for it.

    Args:
        url: ``s3://bucket/folder``.
        options: Checked.
        environment: The variables that references in the options name.
        subject: What to call it in messages.
    """

    def __init__(self, url: str, options: S3Options, environment: Mapping[str, str], subject: str) -> None:
        self._root = url.partition("://")[2].strip("/")
        self._options = options
        self._environment = environment
        self._subject = subject
        self._descriptions: Any = None
        check_options(s3fs.S3FileSystem, options.given, f"{subject}, options", rest=AioSession.__init__)

    def read(self, path: str) -> bytes | None:
        """The content of a file; None if the store says that it has no such file.

        Raises:
            BackendFailedError: It says anything else (such as that there is no such bucket), or nothing.
        """

        async def fetch(files: Any) -> bytes | None:
            try:
                content: bytes = await files._cat_file(self._at(path))  # noqa: SLF001
            except FileNotFoundError as error:
                if code_of(error) != "NoSuchKey":
                    raise
                return None
            return content

        return self._run("read", path, fetch)

    def check(self, folder: str) -> tuple[str, ...]:
        """See `Storage.check`.

        Raises:
            BackendFailedError: The store cannot be reached, or has no such bucket.
        """
        self.read(f"{folder}/{NO_KEY}")
        return (f"{self._subject}: {UNTRIED}",)

    def settle(self, path: str, _: Callable[[bytes], bool]) -> bytes | None:
        """As `read`: a file has its name from the beginning."""
        return self.read(path)

    def key_files(self) -> list[str]:
        """See `Storage.key_files`.

        Raises:
            BackendFailedError: The store cannot be reached.
        """

        async def find(files: Any) -> list[str]:
            try:
                return list(await files._find(self._root))  # noqa: SLF001
            except FileNotFoundError:
                return []

        return below(self._root, self._run("list", "the storage", find))

    def write_new(self, path: str, content: bytes) -> None:
        """Create a file by a conditional write: the store itself refuses to replace one.

        Raises:
            KeyExistsError: There is such a file; it is left alone.
            BackendFailedError: It was not written, or nobody knows whether it was.
        """

        async def put(files: Any) -> bool:
            try:
                await files._pipe_file(self._at(path), content, mode="create")  # noqa: SLF001
            except OSError as error:
                if isinstance(error, FileExistsError) or code_of(error) == "PreconditionFailed":
                    return False
                raise
            return True

        # A store that does not know conditions is asked first. One that refuses may have written a moment before,
        # when its answer to our first attempt was lost; nobody else could have written the same key.
        if self.read(path) is not None or not (self._run("write", path, put) or self.read(path) == content):
            raise KeyExistsError(f"{self._subject}: {path} exists already", hint="choose another path")

    def delete(self, path: str) -> bool:
        """Remove a file; False if it was not there. A bucket with versioning keeps its old versions.

        Raises:
            BackendFailedError: It may still be there.
        """

        async def remove(files: Any) -> None:
            await files._rm_file(self._at(path))  # noqa: SLF001

        if self.read(path) is None:  # S3 removes what is not there silently
            return False
        self._run("delete", path, remove)
        return True

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}"

    def _run(self, what: str, path: str, work: Callable[[Any], Awaitable[T]]) -> T:
        """Do something with a file system that lives no longer than this; its methods are those of s3fs for async."""
        given = self._options.given
        options = resolve_references(given, self._environment)
        config = {**LIMITS, **self._options.config_kwargs}

        async def within_deadline() -> T:
            async with asyncio.timeout(self._options.deadline):
                ours = {"config_kwargs": config, "asynchronous": True, "skip_instance_cache": True}
                ours["max_concurrency"] = 1  # one GET, whose answer tells what is missing, and no HEAD before it
                files = s3fs.S3FileSystem(**{"session": self._descriptions, **options, **ours})
                files.retries = 1  # botocore has made all attempts
                client = await files.set_session()
                self._descriptions = files.session  # what botocore knows of S3, no connection; reading it takes 0.1 s
                try:
                    return await work(files)
                finally:
                    await client.close()

        try:
            done: T = sync(get_loop(), within_deadline)
        except Exception as error:
            facts = {**config, "deadline": f"{self._options.deadline:g}", "bucket": self._root.partition("/")[0]}
            raise BackendFailedError(
                f"{self._subject}: cannot {what} {path} ({reason(error, facts)})",
                hint="check its URL and options in the settings, and that the store can be reached",
            ) from cause_without_secrets(error, given, options)
        return done
