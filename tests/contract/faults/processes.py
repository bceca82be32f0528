"""Faults of manners: what a backend changes in its process or leaves there."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from anchorhold.plugin import CreatedKey, hookimpl
from contract.file_backend import FileBackend

if TYPE_CHECKING:
    from anchorhold.plugin import CreateKeyRequest, KeyRequest, Secrets, Signer

_AN_HOUR = 3600
_LONGER_THAN_THE_KIT_WAITS = 3.0


class _Misbehaves(FileBackend):
    """Makes keys well, and does something else as well."""

    def misbehave(self) -> None:
        raise NotImplementedError

    @hookimpl
    def create_key(self, request: CreateKeyRequest, secrets: Secrets) -> CreatedKey:
        self.misbehave()
        return super().create_key(request, secrets)


class SetsTheUmask(_Misbehaves):
    """Makes sure that its files are closed to others, and those of everybody else as well."""

    def misbehave(self) -> None:
        os.umask(0o027)


class ChangesTheFolder(_Misbehaves):
    """Goes to where its keys are, and stays."""

    def misbehave(self) -> None:
        self.options.folder.mkdir(mode=0o700, exist_ok=True)
        os.chdir(self.options.folder)


class SetsAVariable(_Misbehaves):
    """Configures a library by the environment."""

    def misbehave(self) -> None:
        os.environ["SSL_CERT_FILE"] = "/etc/ssl/cert.pem"


class TakesASignal(_Misbehaves):
    """Cleans up when the process is asked to end, in the place of the process."""

    def misbehave(self) -> None:
        signal.signal(signal.SIGTERM, lambda *_: None)


class LeavesATimer(_Misbehaves):
    """Limits the time of a call, and forgets to stop the clock."""

    def misbehave(self) -> None:
        signal.alarm(_AN_HOUR)


class SetsTheSocketTimeout(_Misbehaves):
    """Limits the time of all connections of the process."""

    def misbehave(self) -> None:
        socket.setdefaulttimeout(30)


class ConfiguresLogging(_Misbehaves):
    """Prints what all others log."""

    def misbehave(self) -> None:
        logging.root.addHandler(logging.NullHandler())


class ReplacesTheHookForErrors(_Misbehaves):
    """Tells of uncaught errors in its own way."""

    def misbehave(self) -> None:
        sys.excepthook = lambda *_: None


class ExtendsTheSearchPath(_Misbehaves):
    """Finds a library that it brings along."""

    def misbehave(self) -> None:
        sys.path.append(str(self.options.folder))


class RaisesTheRecursionLimit(_Misbehaves):
    """Has a deep structure to walk."""

    def misbehave(self) -> None:
        sys.setrecursionlimit(sys.getrecursionlimit() + 1)


class LogsIntoTheWorkingFolder(_Misbehaves):
    """Writes a log wherever the command was run."""

    def misbehave(self) -> None:
        with Path("backend.log").open("a") as log:
            log.write("made a key\n")


class LeavesATemporaryFile(_Misbehaves):
    """Does not remove what it needs for a moment."""

    def misbehave(self) -> None:
        descriptor, _ = tempfile.mkstemp()
        os.close(descriptor)


class LeavesAThread(_Misbehaves):
    """Has a thread that keeps the process from its end."""

    def misbehave(self) -> None:
        threading.Thread(target=time.sleep, args=[_LONGER_THAN_THE_KIT_WAITS], name="keep-alive").start()


class ThreadForEachSigner(FileBackend):
    """Begins a thread with each signer, and ends none."""

    @hookimpl
    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:
        threading.Thread(target=time.sleep, args=[_AN_HOUR], daemon=True).start()
        return super().load_signer(request, secrets)


class ConnectionForEachSigner(FileBackend):
    """Opens a connection with each signer, and closes none."""

    held: ClassVar[list[Any]] = []

    @hookimpl
    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:
        self.held.append(socket.socketpair())
        return super().load_signer(request, secrets)
