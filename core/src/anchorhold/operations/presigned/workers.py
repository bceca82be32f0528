"""Makes responses in several processes, because one process signs with one processor at a time.

A worker is a new process, not a fork: connections to databases and tokens do not survive a fork. It is told where the
settings are, opens the installation for itself, and ends when the process that has started it does.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, Self, cast

from anchorhold.errors import AnchorholdError, OcspResponsesError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from anchorhold.audit import AuditContext
    from anchorhold.operations.presigned.signing import AnswerSigner, Item

AHEAD: Final = 2
"""Chunks that a worker has at hand, so that it need not wait for the next one."""
END_TIMEOUT: Final = 10.0
"""Seconds within which a worker ends that has nothing left to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOrder:
    """What a worker is told first.

    Attributes:
        config: The settings file; None if there is none.
        environment: The variables that references in the settings are resolved with.
        audit: Who acts.
        deadline: Until when key backends are asked, by `time.monotonic`.
        authority_id: Row number of the authority.
        responder_id: Row number of the responder that signs.
        folder: Where the responses go.
    """

    config: Path | None
    environment: Mapping[str, str] = field(repr=False)
    audit: AuditContext
    deadline: float | None
    authority_id: int
    responder_id: int
    folder: Path


class Chunk(NamedTuple):
    """Certificates that are dealt with together.

    Attributes:
        last: Row number of the last row that was looked at for it.
        items: The certificates; those that are not issued are not among them.
        missing_only: As of `AnswerSigner.write`.
    """

    last: int
    items: Sequence[Item]
    missing_only: bool = False


class Done(NamedTuple):
    """A chunk that was dealt with.

    Attributes:
        number: Which chunk, from 0.
        chunk: The chunk.
        written: How many responses were written.
    """

    number: int
    chunk: Chunk
    written: int


class Makers(Protocol):
    """Makes the responses of chunks."""

    def run(self, chunks: Iterable[Chunk]) -> Iterator[Done]:
        """Deal with each, and tell of each once it was dealt with.

        Raises:
            OSError: Responses cannot be written.
            AnchorholdError: They cannot be made.
        """


class InProcess:
    """In this thread.

    Args:
        signer: Makes responses.
    """

    def __init__(self, signer: AnswerSigner) -> None:
        self._signer = signer

    def run(self, chunks: Iterable[Chunk]) -> Iterator[Done]:
        """See `Makers.run`."""
        for number, chunk in enumerate(chunks):
            yield Done(number, chunk, self._signer.write(chunk.items, missing_only=chunk.missing_only))


class Workers:
    """In several processes; a context manager that ends them.

    Args:
        module: Run by each of them; it calls `serve_chunks`.
        order: What each is told first.
        count: How many.
    """

    def __init__(self, module: str, order: WorkerOrder, count: int) -> None:
        self._processes: list[subprocess.Popen[bytes]] = []
        self._waiting: dict[Connection, deque[tuple[int, Chunk]]] = {}
        try:
            for _ in range(count):
                connection = self._start(module)
                self._waiting[connection] = deque()
                connection.send(order)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, chunks: Iterable[Chunk]) -> Iterator[Done]:
        """See `Makers.run`."""
        numbered = enumerate(chunks)
        for _ in range(AHEAD):
            for connection in self._waiting:
                self._hand_out(connection, numbered)
        while busy := [connection for connection, waiting in self._waiting.items() if waiting]:
            for ready in cast("list[Connection]", wait(busy)):
                written = self._received(ready)
                number, chunk = self._waiting[ready].popleft()
                self._hand_out(ready, numbered)
                yield Done(number, chunk, written)

    def close(self) -> None:
        """End them."""
        for connection in self._waiting:
            connection.close()
        for process in self._processes:
            try:
                process.wait(END_TIMEOUT)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self, module: str) -> Connection:
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-P", "-m", module, str(theirs.fileno())]
            self._processes.append(
                subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], process_group=0)
            )
        return Connection(ours.detach())

    def _hand_out(self, connection: Connection, numbered: Iterator[tuple[int, Chunk]]) -> None:
        found = next(numbered, None)
        if found is not None:
            self._waiting[connection].append(found)
            with suppress(BrokenPipeError):  # told when its answer is received
                connection.send(found[1])

    def _received(self, connection: Connection) -> int:
        try:
            answer = connection.recv()
        except (EOFError, ConnectionError) as error:
            raise OcspResponsesError(
                "OCSP responses: a process that makes them has ended unexpectedly",
                hint="look at its messages, and retry",
            ) from error
        if isinstance(answer, BaseException):
            raise answer
        return int(answer)


def serve_chunks(connection: Connection, signer: AnswerSigner) -> None:
    """Deal with chunks until there are no more; errors are told and end it."""
    while True:
        try:
            chunk: Chunk = connection.recv()
        except (EOFError, ConnectionError):
            return
        try:
            answer: int | Exception = signer.write(chunk.items, missing_only=chunk.missing_only)
        except (AnchorholdError, OSError) as error:
            answer = error
        try:
            connection.send(answer)
        except (BrokenPipeError, ConnectionError):
            return
