"""Stands for a command: passes its arguments, variables, folder and open files to a copy of a process that waits.

It has the exit code of the copy, and passes on signals. Run as ``python -I -S client.py SOCKET ARGUMENT…``; it imports
what Python has imported anyway, because it is there to be quick.
"""

import _signal  # type: ignore[import-not-found]
import _socket
import os
import sys

PASSED_ON = (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP, _signal.SIGCONT)


def main() -> int:
    """Wait for the command; its exit code."""
    where, *arguments = sys.argv[1:]
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    connection.connect(where)
    variables = (name + b"=" + value for name, value in os.environb.items())
    parts = (os.getcwdb(), b"%d" % len(arguments), *map(os.fsencode, arguments), *variables)  # noqa: PTH109
    body = b"\0".join(parts)
    files = b"".join(number.to_bytes(4, sys.byteorder) for number in range(3))
    connection.sendmsg([len(body).to_bytes(4, "big")], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, files)])
    sent = 0
    while sent < len(body):
        sent += connection.send(body[sent:])
    process = int.from_bytes(connection.recv(4), "big")
    for number in PASSED_ON:
        _signal.signal(number, lambda number, _: os.kill(process, number))
    return int.from_bytes(connection.recv(4), "big", signed=True)


code = main()
if code < 0:
    _signal.signal(-code, _signal.SIG_DFL)
    os.kill(os.getpid(), -code)
os._exit(code)
