"""A key backend whose keys are in the signing service, as an author would write it from the guide."""

from __future__ import annotations

import http.client
import json
import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.serialization import load_der_public_key
from pydantic import BaseModel, ConfigDict

from anchorhold.errors import (
    BackendBusyError,
    BackendFailedError,
    KeyExistsError,
    KeyMissingError,
    SecretWrongError,
    SessionOverError,
)
from anchorhold.plugin import Algorithm, Capabilities, CreatedKey, KeyHandle, OcspStore, RemoteSigner, hookimpl

if TYPE_CHECKING:
    from anchorhold.plugin import BackendContext

ECDSA = Algorithm(scheme="ecdsa", hash="SHA-256")


class DistantOptions(BaseModel):
    """Where the service is, and which faults the backend has itself."""

    model_config = ConfigDict(extra="forbid")

    port: int
    bad_close: bool = False
    log: Path | None = None


class Client:
    """Connections to the service, one for each thread and process."""

    def __init__(self, port: int, subject: str) -> None:
        self._port = port
        self._subject = subject
        self._local = threading.local()
        self._connections: list[http.client.HTTPConnection] = []

    def close(self) -> None:
        """Close the connections of all threads."""
        for connection in self._connections:
            connection.close()

    def request(self, path: str, body: bytes = b"", timeout: float = 60.0) -> tuple[int, bytes]:
        """Status and content of a response."""
        connection = getattr(self._local, "connection", None)
        if connection is None or self._local.process != os.getpid():
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=timeout)
            self._connections.append(connection)
            self._local.connection, self._local.process = connection, os.getpid()
        try:
            connection.request("POST", f"/{path}", body)
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise BackendFailedError(
                f"{self._subject}: gave no answer ({type(error).__name__})", hint="look whether it runs"
            ) from error


class DistantSigner(RemoteSigner[Client, None]):
    """Asks the service for each signature."""

    def __init__(self, service: Client, public_key: Any, subject: str, name: str, options: DistantOptions) -> None:
        super().__init__(service, public_key, subject, {ECDSA: None})
        self.name = name
        status, session = service.request("open")
        if status == 403:
            raise SecretWrongError(f"{subject}: the PIN was refused", hint="give the right one")
        self.session = session.decode()
        self._options = options

    def request_signature(self, service: Client, message: bytes, algorithm: Algorithm, parameter: None) -> bytes:
        """One request for one signature."""
        return checked(self, *service.request(f"sign/{self.session}/{self.name}", message))

    def close(self) -> None:
        """Forget the service; or fail, if that is wanted."""
        super().close()
        if self._options.bad_close:
            raise RuntimeError("the session has a secret 1234")


def checked(signer: DistantSigner, status: int, content: bytes) -> bytes:
    """The content of a response that is one."""
    if status == 429:
        raise BackendBusyError(f"{signer.subject}: is busy", hint="try again", retry_after=float(content))
    if status == 401:
        raise SessionOverError(f"{signer.subject}: the session is over", hint="open another one")
    if status != 200:
        raise BackendFailedError(f"{signer.subject}: did not sign (status {status})", hint="try again")
    return content


class DistantBackend:
    """Keys in the service."""

    anchorhold_api = 1
    capabilities = Capabilities(key_types=("EC",), curves=("secp256r1",), hashes=("SHA-256",))
    Options = DistantOptions

    def __init__(self, options: DistantOptions, context: BackendContext) -> None:
        self.options = options
        self.role = context.role
        self.subject = f"key backend {context.alias!r}"
        self.client = Client(options.port, self.subject)

    @hookimpl
    def create_key(self, request: Any, secrets: Any) -> CreatedKey:
        """A key under its id."""
        status, spki = self.client.request(f"create/{request.key_id.hex()}")
        if status == 409:
            raise KeyExistsError(f"{self.subject}: has that key already", hint="use another")
        return self._created(request.key_id.hex(), spki)

    @hookimpl
    def load_signer(self, request: Any, secrets: Any) -> DistantSigner:
        """Look at the key, and open a session."""
        name = request.handle.data["name"]
        status, spki = self.client.request(f"key/{name}")
        subject = f"{self.subject}, key of {request.ca.name!r}"
        if status == 404:
            raise KeyMissingError(f"{subject}: is gone", hint="restore it")
        return DistantSigner(self.client, load_der_public_key(spki), subject, name, self.options)

    @hookimpl
    def find_key(self, request: Any, secrets: Any) -> tuple[CreatedKey, ...]:
        """By its id."""
        status, spki = self.client.request(f"key/{request.key_id.hex()}")
        return () if status == 404 else (self._created(request.key_id.hex(), spki),)

    @hookimpl
    def delete_key(self, request: Any, secrets: Any) -> bool:
        """For good."""
        return self.client.request(f"delete/{request.handle.data['name']}")[0] == 200

    @hookimpl
    def ocsp_store(self) -> OcspStore:
        """Nothing is needed for keys of responders."""
        return OcspStore()

    @hookimpl
    def close_backend(self) -> None:
        """Close the connections, and write down who was closed, and where."""
        self.client.close()
        if self.options.log is not None:
            with self.options.log.open("a") as log:
                log.write(json.dumps([self.role, os.getpid()]) + "\n")

    @staticmethod
    def _created(name: str, spki: bytes) -> CreatedKey:
        handle = KeyHandle(version=1, data={"name": name})
        return CreatedKey(handle=handle, public_key=load_der_public_key(spki))  # type: ignore[arg-type]  # EC


class OneBackend(DistantBackend):
    """Takes one signature after the other."""

    capabilities = replace(DistantBackend.capabilities, at_once=1)


class SixteenBackend(DistantBackend):
    """Says how many signatures the service takes at once."""

    capabilities = replace(DistantBackend.capabilities, at_once=16)


class BatchingBackend(SixteenBackend):
    """Asks for fifty signatures at once."""

    @hookimpl
    def sign_batch(self, requests: list[Any], signer: DistantSigner) -> list[Any]:
        """One request for many signatures."""
        body = json.dumps([request.message.hex() for request in requests]).encode()
        content = checked(signer, *self.client.request(f"batch/{signer.session}/{signer.name}", body))
        return [bytes.fromhex(text) for text in json.loads(content)]
