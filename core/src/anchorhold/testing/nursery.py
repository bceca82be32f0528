"""Fresh processes that need not import core: forked by one that has, which knows no backend, key or secret.

A process that has begun as ``python -m anchorhold.testing.nursery`` forks the children of the contract, each in a
separate session, folder and environment. It is told what to do through a socket: JSON in one line, with the
descriptors of the pipes of a child. It ends when the other side of the socket is closed.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import socket
import subprocess
import sys
import time
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_CHILD: Final = "anchorhold.testing.subprocess_main"
_CHUNK: Final = 65536
_PIPES: Final = 3
"""Input, answers, errors."""


class Nursery:
    """The process that forks, as seen by the process that wants children.

    Args:
        environment: Of the process; children get their own.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                env=environment,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        atexit.register(self._end)

    def fork(self, folder: str, environment: Mapping[str, str], pipes: Sequence[int]) -> int:
        """Start a child; its process id, which is that of its session as well.

        Args:
            folder: Its working folder.
            environment: All of its variables.
            pipes: Descriptors for its input, answers and errors.
        """
        path = [os.path.abspath(entry) for entry in sys.path if entry]  # noqa: PTH100  # links not followed
        pid: int = self._ask({"folder": folder, "environment": dict(environment), "path": path}, pipes)
        return pid

    def exit_code(self, pid: int) -> int | None:
        """How a child has ended, a signal as a negative number; None if it goes on. Not to be asked again then."""
        code: int | None = self._ask({"ended": pid})
        return code

    def _ask(self, order: Mapping[str, Any], descriptors: Sequence[int] = ()) -> Any:
        line = json.dumps(order).encode() + b"\n"
        sent = socket.send_fds(self._socket, [line], descriptors)
        self._socket.sendall(line[sent:])
        return _received(self._socket)[0]

    def _end(self) -> None:
        self._socket.close()
        self._process.wait()


@functools.cache
def nursery() -> Nursery:
    """The one of this process, which begins when it is first needed."""
    from anchorhold.testing.harness import environment

    path = os.pathsep.join(entry for entry in sys.path if entry)
    return Nursery({**environment(), "PYTHONPATH": path, "LC_ALL": "C"})


def _received(channel: socket.socket) -> tuple[Any, list[int]]:
    """One line of JSON, and the descriptors that came with it.

    Raises:
        EOFError: The other side has ended.
    """
    line, descriptors, *_ = socket.recv_fds(channel, _CHUNK, _PIPES)
    while not line.endswith(b"\n"):
        more = channel.recv(_CHUNK) if line else b""
        if not more:
            raise EOFError("the process that starts the children of the contract has ended")
        line += more
    return json.loads(line), list(descriptors)


def _serve(channel: socket.socket) -> None:
    """Fork until the other side has ended."""
    while True:
        try:
            order, pipes = _received(channel)
        except EOFError:
            return
        answer = _ended(order["ended"]) if "ended" in order else _forked(channel, order, pipes)
        channel.sendall(json.dumps(answer).encode() + b"\n")


def _ended(pid: int) -> int | None:
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def _forked(channel: socket.socket, order: Mapping[str, Any], pipes: Sequence[int]) -> int:
    ready, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        channel.close()
        os.close(ready)
        os.setsid()
        os.close(told)
        _begin(order, *pipes)
    os.close(told)
    os.read(ready, 1)  # ends when the child has a session, by which it can be killed
    for descriptor in (ready, *pipes):
        os.close(descriptor)
    return pid


def _begin(order: Mapping[str, Any], given: int, answers: int, errors: int) -> None:
    """Become the child, which does not return. What a backend prints goes where errors go, and is no answer."""
    for descriptor, standard in ((given, 0), (errors, 1), (errors, 2)):
        os.dup2(descriptor, standard)
    os.close(given)
    os.close(errors)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    time.tzset()
    sys.path[:] = order["path"]
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  # it is open as long as the process
    import_module(_CHILD).main(answers)


def main() -> None:
    """Import what children need, and serve."""
    import_module(_CHILD)
    with socket.socket(fileno=int(sys.argv[1])) as channel:
        _serve(channel)


if __name__ == "__main__":
    main()
