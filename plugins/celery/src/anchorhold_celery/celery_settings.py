"""How Celery is set up on both sides. Each line has its reason in docs/backends/celery.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from anchorhold.errors import SettingsError

if TYPE_CHECKING:
    from anchorhold_celery.tls import TlsFiles

BROKERS: Final = ("amqp", "amqps", "redis", "rediss")
RESULT_BACKENDS: Final = ("redis", "rediss")
"""Never ``rpc://``: a thread that follows one that has ended waits for its answer in vain."""
_RESULTS_HOLD: Final = 300
"""Seconds for which an answer is kept."""


def check_url(url: str, schemes: tuple[str, ...], subject: str) -> str:
    """A URL that can be used.

    Args:
        url: It may hold a password, so it is not shown.
        schemes: Those that can be used.
        subject: The setting, for the message.

    Raises:
        SettingsError: It has another scheme.
    """
    url = url.strip()
    scheme = url.partition("://")[0].lower()
    if scheme in schemes:
        return url
    shown = scheme if scheme.isalnum() and len(scheme) < len("a scheme") else "a URL without scheme"
    raise SettingsError(
        f"{subject}: {shown} cannot be used", hint=f"use one of: {', '.join(f'{known}://' for known in schemes)}"
    )


def celery_settings(
    broker: str, results: str, patience: float, tls: TlsFiles, redelivery: float | None = None
) -> dict[str, Any]:
    """The settings of an application of Celery.

    Args:
        broker: Its URL.
        results: URL of the result backend.
        patience: Seconds after which connecting is given up.
        tls: For both.
        redelivery: Seconds after which Redis delivers again what a worker that is gone has taken; None on hosts.
    """
    return {
        **tls.of_broker(broker),
        **tls.of_results(results),
        "broker_url": broker,
        "result_backend": results,
        "accept_content": ["json"],
        "task_serializer": "json",
        "result_serializer": "json",
        "result_accept_content": ["json"],
        "result_expires": _RESULTS_HOLD,
        "result_extended": False,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_acks_on_failure_or_timeout": True,
        "worker_prefetch_multiplier": 1,
        "worker_enable_remote_control": False,
        "worker_send_task_events": False,
        "task_send_sent_event": False,
        "task_publish_retry": False,
        "task_store_errors_even_if_ignored": False,
        "broker_connection_timeout": patience,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_transport_options": _transport_options(broker, patience, redelivery),
        "redis_socket_connect_timeout": patience,
        "redis_socket_timeout": 120.0 if redelivery is not None else 10.0,
        "redis_retry_on_timeout": False,
        "result_backend_transport_options": {"retry_policy": {"timeout": patience, "max_retries": 2}},
        "enable_utc": True,
        "worker_hijack_root_logger": False,
        "task_create_missing_queues": True,
    }


def _transport_options(broker: str, patience: float, redelivery: float | None) -> dict[str, Any]:
    if broker.lower().startswith("amqp"):
        return {"confirm_publish": True, "connect_timeout": patience, "max_retries": 1}
    options: dict[str, Any] = {"socket_connect_timeout": patience, "max_retries": 1}
    if redelivery is not None:
        options |= {
            "visibility_timeout": redelivery,
            "unacked_restore_interval": max(1, redelivery / 4),
            "unacked_restore_throttle": 1,
        }
    return options
