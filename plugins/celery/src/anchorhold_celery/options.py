"""What may stand in the settings: options of the backend on the host that asks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from anchorhold.plugin import DurationIn, SecretReference
from anchorhold_celery.tls import TlsFiles

BATCH_LIMIT: Final = 100
"""Signatures that one message asks for at most: two thirds of the rate of a batch, and a short loss if it fails."""

Alias = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")]
"""As core has them."""
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""Of a peer, a worker or a queue."""
Reference = Annotated[SecretReference, AfterValidator(SecretReference.unattended)]
Seconds = Annotated[float, Field(ge=1, le=3600), DurationIn("s")]


class Section(BaseModel):
    """Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)


class TlsSection(Section):
    """Where broker and result backend are reached by TLS.

    Attributes:
        tls_ca_file: See `anchorhold_celery.tls.TlsFiles`; so are the others.
        tls_certificate: The same.
        tls_key: The same.
    """

    tls_ca_file: Path | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None

    def tls(self) -> TlsFiles:
        """The files."""
        return TlsFiles(ca_file=self.tls_ca_file, certificate=self.tls_certificate, key=self.tls_key)


class Options(TlsSection):
    """``key_backends.<alias>.options`` and ``ocsp_key_backends.<alias>.options``.

    Attributes:
        broker: URL of RabbitMQ (``amqp://``, ``amqps://``) or Redis (``redis://``, ``rediss://``).
        result_backend: URL of Redis, where answers are left for a few minutes.
        peer: The name under which the worker knows this host.
        message_key: File with the private key of this peer, Ed25519 in PEM (PKCS#8).
        worker_keys: Files with the public keys of workers, in PEM; several while one is replaced.
        alias: Of the key on the worker's host; by default that of this section.
        queue: Where the worker listens for it; by default named by role and alias.
        deadline: Seconds for which an answer is waited for where the caller says nothing.
        at_once: How many requests for one key are under way at the same time.
    """

    broker: Reference
    result_backend: Reference
    peer: Name
    message_key: Path
    worker_keys: Annotated[tuple[Path, ...], Field(min_length=1)]
    alias: Alias | None = None
    queue: Name | None = None
    deadline: Seconds = 60
    at_once: Annotated[int, Field(ge=1, le=64)] = 4


def queue_of(role: str, alias: str) -> str:
    """The queue of an alias on the worker's host, unless the settings of both sides name another one."""
    return f"anchorhold.{role}.{alias}"
