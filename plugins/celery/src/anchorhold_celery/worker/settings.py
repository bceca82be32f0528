"""The section ``worker`` of the settings: what a worker lends to whom."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from anchorhold.errors import SettingsError
from anchorhold.plugin import anchored
from anchorhold.settings.validation_errors import first_error
from anchorhold_celery.celery_settings import BROKERS, RESULT_BACKENDS, check_url
from anchorhold_celery.options import Alias, Name, Reference, Seconds, Section, TlsSection, queue_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from anchorhold.installation import Installation

_WRITE = "write it as the page on the backend celery shows"


class Lent(Section):
    """``worker.aliases.<alias>`` and ``worker.ocsp_aliases.<alias>``: an alias of this host that peers may use.

    Attributes:
        queue: Where requests for it wait; by default named by role and alias.
        key_options: Options of new keys, such as ``key-label``, by their names on the command line.
    """

    queue: Name | None = None
    key_options: dict[str, str | bool] = Field(default_factory=dict)


class Peer(Section):
    """``worker.peers.<name>``: a host that asks.

    Attributes:
        keys: Files with its public keys, Ed25519 in PEM; several while one is replaced.
        aliases: What it may use for authorities.
        ocsp_aliases: What it may use for OCSP responders.
        may_create: Whether it may have keys made.
        may_delete: Whether it may have keys destroyed.
    """

    keys: Annotated[tuple[Path, ...], Field(min_length=1)]
    aliases: tuple[Alias, ...] = ()
    ocsp_aliases: tuple[Alias, ...] = ()
    may_create: bool = False
    may_delete: bool = False

    def may_use(self, role: str, alias: str) -> bool:
        """Whether it may use an alias for a role."""
        return alias in (self.ocsp_aliases if role == "ocsp" else self.aliases)


class WorkerSettings(TlsSection):
    """``worker``.

    Attributes:
        name: Of this worker; by default that of the host.
        broker: As of the backend.
        result_backend: As of the backend.
        message_key: File with the private key by which answers are signed, Ed25519 in PEM (PKCS#8).
        processes: That sign at the same time.
        sign_once: Whether a certificate that may have been signed is never signed again, not even with the same octets.
        redelivery: Seconds after which Redis gives a request of a worker that is gone to another one; longer than the
            longest batch takes.
        metrics: Folder in which each process writes a file for the textfile collector of node_exporter; None for none.
        aliases: What is lent for authorities.
        ocsp_aliases: What is lent for OCSP responders.
        peers: Who asks.
    """

    name: Name = Field(default_factory=socket.gethostname)
    broker: Reference
    result_backend: Reference
    message_key: Path
    processes: Annotated[int, Field(ge=1, le=256)] = 2
    sign_once: bool = False
    redelivery: Seconds = 20
    metrics: Path | None = None
    aliases: dict[Alias, Lent] = Field(default_factory=dict)
    ocsp_aliases: dict[Alias, Lent] = Field(default_factory=dict)
    peers: dict[Name, Peer] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _of_what_is_lent(self) -> Self:
        """Refuse peers that are given what is not lent, and a worker that lends nothing."""
        if not self.aliases and not self.ocsp_aliases:
            raise PydanticCustomError("nothing", "lends nothing; name an alias in `aliases` or `ocsp_aliases`")
        for name, peer in self.peers.items():
            unknown = [*set(peer.aliases) - set(self.aliases), *set(peer.ocsp_aliases) - set(self.ocsp_aliases)]
            if unknown:
                raise PydanticCustomError(
                    "not_lent",
                    "the peer {peer} is given {alias}, which is not lent",
                    {"peer": name, "alias": min(unknown)},
                )
        return self

    def lent(self, role: str) -> Mapping[str, Lent]:
        """What is lent for a role."""
        return self.ocsp_aliases if role == "ocsp" else self.aliases

    def queues(self) -> Iterator[str]:
        """The queues of all that is lent."""
        for role in ("ca", "ocsp"):
            for alias, lent in self.lent(role).items():
                yield lent.queue or queue_of(role, alias)

    def urls(self, environment: Mapping[str, str]) -> tuple[str, str]:
        """The URLs of broker and result backend, which may hold passwords.

        Raises:
            SettingsError: One is not there, or of a kind that cannot be used.
        """
        broker, results = (
            check_url(reference.require(environment, name).reveal(), schemes, name)
            for name, reference, schemes in self.servers()
        )
        self.tls().check("worker", broker, results)
        return broker, results

    def servers(self) -> tuple[tuple[str, Reference, tuple[str, ...]], ...]:
        """Broker and result backend: the key, what leads to the URL, and the schemes that it may have."""
        return (
            ("worker.broker", self.broker, BROKERS),
            ("worker.result_backend", self.result_backend, RESULT_BACKENDS),
        )


def worker_settings(installation: Installation) -> WorkerSettings:
    """The section ``worker`` of an installation, with absolute paths.

    Raises:
        SettingsError: It is not there, or wrong.
    """
    loaded = installation.loaded
    where, given = str(loaded.path or "settings"), loaded.settings.worker
    if not given:
        raise SettingsError(f"{where}: has no section worker", hint=_WRITE)
    try:
        return WorkerSettings.model_validate(_anchored(given, loaded.folder))
    except ValidationError as error:
        raise first_error(error, WorkerSettings, where, prefix=["worker"]) from None


def _anchored(given: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The section with absolute paths; what is no table is left to the model."""
    found, peers = anchored(WorkerSettings, given, folder, "worker"), given.get("peers")
    if isinstance(peers, dict):
        found["peers"] = {
            name: anchored(Peer, peer, folder, f"worker.peers.{name}") if isinstance(peer, dict) else peer
            for name, peer in peers.items()
        }
    return found
