"""What can be found out of the section ``worker`` before a worker runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorhold.errors import SettingsError
from anchorhold_celery.celery_settings import check_url
from anchorhold_celery.message_keys import private_key, public_keys
from anchorhold_celery.worker.settings import worker_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

    from anchorhold.installation import Installation
    from anchorhold_celery.worker.settings import WorkerSettings


def check_worker(installation: Installation) -> list[str]:
    """Look at the section of an installation, for ``config check``.

    Returns:
        What could not be checked.

    Raises:
        SettingsError: It is wrong.
    """
    settings = worker_settings(installation)
    check_settings(installation, settings)
    return list(_unknown_urls(settings, installation.access.environment))


def check_settings(installation: Installation, settings: WorkerSettings) -> None:
    """Look at aliases, keys of messages and folders.

    Args:
        installation: Has the aliases.
        settings: Of the worker.

    Raises:
        SettingsError: What is lent is not configured, a key cannot be read, or a folder is not there.
    """
    for role, section in (("ca", "key_backends"), ("ocsp", "ocsp_key_backends")):
        for alias in settings.lent(role):
            if alias not in installation.backends.aliases("ocsp" if role == "ocsp" else "ca"):
                raise SettingsError(
                    f"worker: lends {section}.{alias}, which is not configured",
                    hint="configure it, or lend another one",
                )
    own_key(settings)
    keys_of_peers(settings)
    if settings.metrics is not None and not settings.metrics.is_dir():
        raise SettingsError(
            f"worker.metrics: {settings.metrics} is not a folder",
            hint="make it, writable for the account of the worker",
        )


def own_key(settings: WorkerSettings) -> Ed25519PrivateKey:
    """The key that signs answers.

    Raises:
        SettingsError: It cannot be read.
    """
    return private_key(settings.message_key, "worker.message_key")


def keys_of_peers(settings: WorkerSettings) -> Mapping[str, tuple[Ed25519PublicKey, ...]]:
    """The keys that sign requests, by the names of peers.

    Raises:
        SettingsError: One cannot be read.
    """
    return {name: public_keys(peer.keys, f"worker.peers.{name}.keys") for name, peer in settings.peers.items()}


def _unknown_urls(settings: WorkerSettings, variables: Mapping[str, str]) -> Iterator[str]:
    for name, reference, schemes in settings.servers():
        url = reference.resolve(variables)
        if url is None:
            yield f"{name}: its URL is not known here, so it could not be checked"
        else:
            check_url(url.reveal(), schemes, name)
