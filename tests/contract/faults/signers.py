"""Faults of signers."""

from __future__ import annotations

import hashlib
import io
import os
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from anchorhold import software_keys
from anchorhold.errors import BackendFailedError
from anchorhold.plugin import hookimpl
from contract.file_backend import FileBackend

if TYPE_CHECKING:
    from anchorhold.algorithms import Algorithm
    from anchorhold.plugin import KeyRequest, Secrets, Signer


class _SignerOfFault(software_keys.SoftwareSigner):
    """Signers that are wrong in one way."""

    def __init__(self, key: software_keys.PrivateKey) -> None:
        super().__init__(key)
        self.count = 0
        self.message = b""


class _IgnoresHash(_SignerOfFault):
    def sign(self, message: bytes, algorithm: Algorithm) -> bytes:
        return super().sign(message, replace(algorithm, hash="SHA-256") if algorithm.hash else algorithm)


class _HashesTwice(_SignerOfFault):
    def sign(self, message: bytes, algorithm: Algorithm) -> bytes:
        return super().sign(message if len(message) <= 4096 else hashlib.sha256(message).digest(), algorithm)


class _LiesAtLast(_SignerOfFault):
    def sign(self, message: bytes, algorithm: Algorithm) -> bytes:
        self.count += 1
        return super().sign(message if self.count < 25 else b"a message that pays more", algorithm)


class _SharesItsMessage(_SignerOfFault):
    def sign(self, message: bytes, algorithm: Algorithm) -> bytes:
        self.message = message
        time.sleep(0.001)
        return super().sign(self.message, algorithm)


class _LeaksDescriptors(_SignerOfFault):
    def sign(self, message: bytes, algorithm: Algorithm) -> bytes:
        os.dup(1)
        return super().sign(message, algorithm)


class _TakesNoLongMessage(_SignerOfFault):
    def sign(self, message: bytes, algorithm: Algorithm) -> bytes:
        if len(message) > 500_000:
            raise BackendFailedError("the service: the message is too long", hint="make it shorter")
        return super().sign(message, algorithm)


class _OfOneProcess(_SignerOfFault):
    def __init__(self, key: software_keys.PrivateKey) -> None:
        super().__init__(key)
        self.process = os.getpid()

    def sign(self, message: bytes, algorithm: Algorithm) -> bytes:
        if os.getpid() != self.process:
            raise BackendFailedError("the session: is lost", hint="load the key again")
        return super().sign(message, algorithm)


class _ClosesAll(software_keys.SoftwareSigner):
    def __init__(self, key: software_keys.PrivateKey, lent: list[_ClosesAll]) -> None:
        super().__init__(key)
        self.lent = lent

    def close(self) -> None:
        for signer in self.lent:
            software_keys.SoftwareSigner.close(signer)


class _StopsAfterSome(_SignerOfFault):
    def sign(self, message: bytes, algorithm: Algorithm) -> bytes:
        self.count += 1
        if self.count > 300:
            raise BackendFailedError("the session: is used up", hint="load the key again")
        return super().sign(message, algorithm)


class _SlowNowAndThen(_SignerOfFault):
    def sign(self, message: bytes, algorithm: Algorithm) -> bytes:
        self.count += 1
        time.sleep(0.05 if self.count % 20 == 0 else 0)
        return super().sign(message, algorithm)


class _SignsAfterClose(_SignerOfFault):
    def close(self) -> None:
        self.message = b""


class _FailsToClose(_SignerOfFault):
    def close(self) -> None:
        super().close()
        raise BackendFailedError("the session: was closed by the token", hint="ignore this")


class _ClosesWhatItHasOpened(_SignerOfFault):
    session: Any = None

    def sign(self, message: bytes, algorithm: Algorithm) -> bytes:
        self.session = self.session or io.BytesIO()
        return super().sign(message, algorithm)

    def close(self) -> None:
        super().close()
        self.session.close()


class _WaitsForItself(_SignerOfFault):
    def __init__(self, key: software_keys.PrivateKey, lock: threading.Lock) -> None:
        super().__init__(key)
        self.lock = lock

    def sign(self, message: bytes, algorithm: Algorithm) -> bytes:
        if threading.current_thread() is not threading.main_thread():
            self.lock.acquire()
        return super().sign(message, algorithm)


class _WaitsForEver(_SignerOfFault):
    def sign(self, message: bytes, algorithm: Algorithm) -> bytes:
        if len(message) > 500_000:
            threading.Event().wait()
        return super().sign(message, algorithm)


class IgnoresTheHash(FileBackend):
    """Hashes with SHA-256 whatever it is told."""

    @hookimpl
    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:
        return _IgnoresHash(self.open(request, secrets))


class HashesTwice(FileBackend):
    """Hashes long messages before it signs them."""

    @hookimpl
    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:
        return _HashesTwice(self.open(request, secrets))


class LeaksDescriptors(FileBackend):
    """Opens a connection for each signature and closes none."""

    @hookimpl
    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:
        return _LeaksDescriptors(self.open(request, secrets))


class TakesNoLongMessage(FileBackend):
    """Sends the whole message to a service that takes half a million octets."""

    @hookimpl
    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:
        return _TakesNoLongMessage(self.open(request, secrets))


class SignerOfOneProcess(FileBackend):
    """Lends signers that do not survive a fork, although new ones work."""

    @hookimpl
    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:
        return _OfOneProcess(self.open(request, secrets))


class LyingSigner(FileBackend):
    """Signs well for a while, and then something else than it was given."""

    @hookimpl
    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:
        return _LiesAtLast(self.open(request, secrets))


class NotForThreads(FileBackend):
    """Keeps what it signs where another thread puts something else."""

    @hookimpl
    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:
        return _SharesItsMessage(self.open(request, secrets))


class StopsAfterSome(FileBackend):
    """Has sessions of three hundred signatures."""

    @hookimpl
    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:
        return _StopsAfterSome(self.open(request, secrets))


class SlowNowAndThen(FileBackend):
    """Opens its connection again for every twentieth signature."""

    @hookimpl
    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:
        return _SlowNowAndThen(self.open(request, secrets))


class SignsAfterClose(FileBackend):
    """Forgets nothing."""

    @hookimpl
    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:
        return _SignsAfterClose(self.open(request, secrets))


class FailsToClose(FileBackend):
    """Says after each signature that something is wrong."""

    @hookimpl
    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:
        return _FailsToClose(self.open(request, secrets))


class ClosesWhatItHasOpened(FileBackend):
    """Closes a session that it opens with the first signature only."""

    @hookimpl
    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:
        return _ClosesWhatItHasOpened(self.open(request, secrets))


class WaitsForItself(FileBackend):
    """Locks its session for a thread, and never unlocks it."""

    lock: ClassVar[threading.Lock] = threading.Lock()

    @hookimpl
    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:
        return _WaitsForItself(self.open(request, secrets), self.lock)


class WaitsForEver(FileBackend):
    """Waits for an answer to a long message that does not come."""

    @hookimpl
    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:
        return _WaitsForEver(self.open(request, secrets))


class ClosesAllSigners(FileBackend):
    """Has one session for all of its signers, and closes it with the first."""

    @hookimpl
    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:
        lent: list[_ClosesAll] = self.__dict__.setdefault("lent", [])
        signer = _ClosesAll(self.open(request, secrets), lent)
        lent.append(signer)
        return signer
