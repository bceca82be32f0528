"""Wrappers that misbehave in the process in which they are guests."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict

from anchorhold.plugin import API_VERSION, hookimpl
from contract.right_wrapper import RightOptions, RightWrapper

if TYPE_CHECKING:
    from anchorhold.plugin import (
        CreatedKey,
        CreateKeyRequest,
        ImportKeyRequest,
        KeyRequest,
        Secret,
        Secrets,
        Signer,
        SignRequest,
        WrapperContext,
        Wrapping,
    )

logger = logging.getLogger(__name__)


class OfAnotherRelease(RightWrapper):
    """Was written for another version of the plugin API."""

    anchorhold_api = API_VERSION + 1


class MisspeltArgument(RightWrapper):
    """Calls an argument otherwise than the specification."""

    @hookimpl(wrapper=True)
    def export_key(self, req: KeyRequest) -> Wrapping[Secret]:
        return (yield)


class Implements(RightWrapper):
    """Does itself what it should wrap."""

    @hookimpl
    def delete_key(self, request: KeyRequest) -> bool:  # type: ignore[override]  # which is the fault
        return False


class ComesFirst(RightWrapper):
    """Judges before all others, wherever it stands."""

    @hookimpl(wrapper=True, tryfirst=True)
    def sign(self, request: SignRequest, signer: Signer) -> Wrapping[bytes]:
        self.judge(request)
        return (yield)


class OneForAll(RightWrapper):
    """Can be constructed once."""

    made: ClassVar[list[int]] = []

    def __init__(self, options: Any, context: WrapperContext) -> None:
        super().__init__(options, context)
        self.number = len(self.made)
        self.made.append(self.number)

    def judge(self, request: SignRequest) -> None:
        if self.number != self.made[-1]:
            raise ValueError("another one has taken over")
        super().judge(request)


class ConnectsAtOnce(RightWrapper):
    """Looks for its server when it is constructed."""

    def __init__(self, options: Any, context: WrapperContext) -> None:
        super().__init__(options, context)
        try:
            socket.create_connection(("127.0.0.1", 9), timeout=0.1).close()
        except OSError:
            logger.info("the server is away")


class _AnyOptions(RightOptions):
    model_config = ConfigDict(extra="allow")


class TakesUnknownOptions(RightWrapper):
    """Ignores options that it does not know."""

    Options: type[BaseModel] = _AnyOptions


class _LooseOptions(RightOptions):
    mode: Any = None


class TakesAnyValue(RightWrapper):
    """Has an option whose values nobody checks."""

    Options: type[BaseModel] = _LooseOptions


class KeepsExports(RightWrapper):
    """Keeps what it has seen for later."""

    @hookimpl(wrapper=True)
    def export_key(self, request: KeyRequest) -> Wrapping[Secret]:
        self.last = yield
        return self.last


class KeepsImports(RightWrapper):
    """Keeps requests, for all instances."""

    requests: ClassVar[list[ImportKeyRequest]] = []

    @hookimpl(wrapper=True)
    def import_key(self, request: ImportKeyRequest, secrets: Secrets) -> Wrapping[CreatedKey]:
        self.requests.append(request)
        return (yield)


class WritesExports(RightWrapper):
    """Makes copies of keys, for safety."""

    @hookimpl(wrapper=True)
    def export_key(self, request: KeyRequest) -> Wrapping[Secret]:
        exported = yield
        Path("copy.pem").write_bytes(exported.reveal_bytes())
        return exported


class LogsExports(RightWrapper):
    """Logs what it has seen."""

    @hookimpl(wrapper=True)
    def export_key(self, request: KeyRequest) -> Wrapping[Secret]:
        exported = yield
        logger.debug("exported %s", exported.reveal())
        return exported


class LogsPasswords(RightWrapper):
    """Logs who protects keys how."""

    @hookimpl(wrapper=True)
    def create_key(self, request: CreateKeyRequest, secrets: Secrets) -> Wrapping[CreatedKey]:
        password = secrets.get("password")
        logger.info("a key with the password %s", password.reveal() if password else None)
        return (yield)


class HoldsALock(RightWrapper):
    """Lets nobody else sign meanwhile."""

    @hookimpl(wrapper=True)
    def sign(self, request: SignRequest, signer: Signer) -> Wrapping[bytes]:
        self.judge(request)
        with self.lock:
            return (yield)


class KeepsTheSignature(RightWrapper):
    """Keeps the signature in an attribute, which another thread changes."""

    signature = b""

    @hookimpl(wrapper=True)
    def sign(self, request: SignRequest, signer: Signer) -> Wrapping[bytes]:
        self.judge(request)
        self.signature = yield
        time.sleep(0.005)
        return self.signature


class _ChangesTheProcess(RightWrapper):
    def judge(self, request: SignRequest) -> None:
        self.change()
        super().judge(request)

    def change(self) -> None:
        """Change something."""


class ChangesTheUmask(_ChangesTheProcess):
    """Wants its files to be private."""

    def change(self) -> None:
        os.umask(0o000)


class ChangesTheFolder(_ChangesTheProcess):
    """Works where it likes to."""

    def change(self) -> None:
        os.chdir("/")


class SetsAVariable(_ChangesTheProcess):
    """Configures a library for all."""

    def change(self) -> None:
        os.environ["NO_PROXY"] = "names.example.com"


class HandlesSignals(_ChangesTheProcess):
    """Wants to end in good order."""

    def change(self) -> None:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.SIG_IGN)


class ChangesTheTimeout(_ChangesTheProcess):
    """Has no patience with sockets, those of others too."""

    def change(self) -> None:
        socket.setdefaulttimeout(3)


class ConfiguresLogging(_ChangesTheProcess):
    """Takes over the log of the program."""

    handler: ClassVar[logging.Handler] = logging.NullHandler()

    def change(self) -> None:
        logging.getLogger().addHandler(self.handler)


class LeavesAThread(_ChangesTheProcess):
    """Does the rest later."""

    def change(self) -> None:
        threading.Thread(target=threading.Event().wait, daemon=True).start()


class LeaksDescriptors(_ChangesTheProcess):
    """Opens a file for each signature."""

    opened: ClassVar[list[int]] = []

    def change(self) -> None:
        self.opened.append(os.open(os.devnull, os.O_RDONLY))


class Prints(_ChangesTheProcess):
    """Says what it does."""

    def change(self) -> None:
        print("judging", file=sys.stderr)


class Warns(_ChangesTheProcess):
    """Says it by a warning, past the filters."""

    def change(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return  # filters are not made for threads
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn("judging", stacklevel=1)


class OfOneProcess(RightWrapper):
    """Works in the process only in which it was constructed."""

    def __init__(self, options: Any, context: WrapperContext) -> None:
        super().__init__(options, context)
        self.process = os.getpid()

    def judge(self, request: SignRequest) -> None:
        if os.getpid() != self.process:
            raise ValueError("the connection belongs to another process")
        super().judge(request)


class Slow(RightWrapper):
    """Thinks about each certificate."""

    def judge(self, request: SignRequest) -> None:
        if request.purpose == "certificate":
            time.sleep(0.12)
        super().judge(request)
