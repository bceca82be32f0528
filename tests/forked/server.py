"""A process with everything imported, of which each command is a copy: started like any other, and much sooner.

It has no ledger open, and never had. ``python -m forked.server SOCKET`` says ``ready`` and serves until its standard
input ends; `client` is what asks.
"""

from __future__ import annotations

import atexit
import os
import selectors
import signal
import socket
import sys
import threading
import time
import traceback
import warnings
from types import ModuleType
from typing import Any, Final, NoReturn, cast

import anchorhold
from forked.imported import import_all

BACKENDS: Final = ("anchorhold_db.backend", "anchorhold_hsm.backend")
BACKLOG: Final = 128


def main() -> None:
    """Serve."""
    import_all(*BACKENDS)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as door, selectors.DefaultSelector() as selector:
        door.bind(sys.argv[1])
        door.listen(BACKLOG)
        selector.register(door, selectors.EVENT_READ)
        selector.register(sys.stdin, selectors.EVENT_READ)
        print("ready", flush=True)
        while all(key.fileobj is door for key, _ in selector.select()):
            connection, _ = door.accept()
            if not os.fork():
                selector.close()
                door.close()
                _attend(connection)
            connection.close()


def _attend(connection: socket.socket) -> NoReturn:
    """Make the copy that is the command, and wait for its end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    size, files, _, _ = socket.recv_fds(connection, 4, 3)
    body = b""
    while len(body) < int.from_bytes(size, "big"):
        body += connection.recv(1 << 20)
    child = os.fork()
    if not child:
        connection.close()
        _be(body, files)
    for number in files:
        os.close(number)
    connection.sendall(child.to_bytes(4, "big"))
    _, status = os.waitpid(child, 0)
    connection.sendall(os.waitstatus_to_exitcode(status).to_bytes(4, "big", signed=True))
    os._exit(0)


def _be(body: bytes, files: list[int]) -> NoReturn:
    """Become the command."""
    folder, count, *rest = body.split(b"\0")
    arguments, variables = rest[: int(count)], rest[int(count) :]
    os.chdir(folder)
    os.environb.clear()
    for variable in variables:
        name, _, value = variable.partition(b"=")
        os.environb[name] = value
    time.tzset()
    for number, inherited in enumerate(files):
        os.dup2(inherited, number)
        os.close(inherited)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _open_standard_streams()
    _end(_run(list(map(os.fsdecode, arguments))))


def _open_standard_streams() -> None:
    at_once = bool(os.environ.get("PYTHONUNBUFFERED"))
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stdout.reconfigure(write_through=at_once)
    sys.stderr = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115


def _run(arguments: list[str]) -> int:
    """What Python runs for these arguments after ``python -m anchorhold``, or ``python -W … -c …``; its exit code."""
    __main__ = ModuleType("__main__")  # help and errors name the command by it
    sys.modules["__main__"] = __main__
    try:
        if arguments[:1] == ["-W"]:
            _, action, _, code, *rest = arguments
            sys.warnoptions[:] = [action]
            warnings.simplefilter(cast("Any", action))
            sys.argv = ["-c", *rest]
            exec(code, vars(__main__))  # noqa: S102  # of a test
        else:
            from anchorhold.cli import main as command

            __main__.__package__ = "anchorhold"
            sys.argv = [f"{anchorhold.__path__[0]}/__main__.py", *arguments]
            command()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _end(code: int) -> NoReturn:
    """As Python ends."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
    except OSError:
        code = code or 120
    os._exit(code)


if __name__ == "__main__":
    main()
