"""The application of Celery for the worker. Its parent process reads the settings and opens nothing else."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from billiard import current_process
from celery import Celery
from celery.exceptions import Ignore
from celery.signals import worker_process_init, worker_process_shutdown, worker_ready
from kombu.entity import Exchange, Queue

from anchorhold.errors import AnchorholdError
from anchorhold.installation import Installation, open_installation
from anchorhold_celery.celery_settings import celery_settings
from anchorhold_celery.messages import TASK
from anchorhold_celery.worker.checks import check_settings
from anchorhold_celery.worker.intended import LedgerSigning
from anchorhold_celery.worker.logs import keep_results_out_of_logs
from anchorhold_celery.worker.runtime import Runtime
from anchorhold_celery.worker.settings import WorkerSettings, worker_settings
from anchorhold_celery.worker.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from anchorhold_celery.worker.intended import Signing

_PATIENCE: Final = 5.0
"""Seconds after which a connection is given up, and tried again."""
_START_SECONDS: Final = 15.0
"""For which a new process may open what it needs, before it is taken for dead; Celery's 4 are few on a busy host."""


class Process:
    """What one process of the worker has open; the parent has nothing.

    Args:
        config: The settings file; by default it is looked for.
        signing: Makes what signs; by default only what the ledger holds as intended is signed.
        environment: The variables; by default those of this process.
    """

    def __init__(
        self,
        config: Path | None,
        signing: Callable[[Installation, WorkerSettings], Signing] = LedgerSigning,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._config = config
        self._environment = environment
        self._signing = signing
        self._runtime: Runtime | None = None

    def open(self, **_: object) -> Runtime:
        """Open the installation, in a child that was just forked."""
        installation = open_installation(self._config, create=False, environment=self._environment)
        settings = worker_settings(installation)
        self._runtime = Runtime(installation, settings, self._signing(installation, settings), _number())
        return self._runtime

    def close(self, **_: object) -> None:
        """Close it again."""
        if self._runtime is not None:
            self._runtime.close()

    def run(self, task: Any, *arguments: object, **others: object) -> str:
        """The task: the reply to a message, as its result.

        Raises:
            Ignore: There is none.
        """
        runtime = self._runtime or self.open()
        message = arguments[0] if len(arguments) == 1 and not others else None
        redelivered = bool((task.request.delivery_info or {}).get("redelivered"))
        reply = runtime.answer(message, redelivered=redelivered)
        if reply is None:
            raise Ignore
        return reply


def application(
    config: Path | None = None,
    processes: int | None = None,
    signing: Callable[[Installation, WorkerSettings], Signing] = LedgerSigning,
) -> Celery:
    """The application that a worker runs.

    Args:
        config: The settings file; by default it is looked for.
        processes: That sign at the same time; by default as the settings say.
        signing: As of `Process`.

    Raises:
        SettingsError: The settings do not say what is lent, or name what is not there.
    """
    installation = open_installation(config, create=False)
    settings = worker_settings(installation)
    check_settings(installation, settings)
    broker, results = settings.urls(installation.access.environment)
    app = Celery("anchorhold_worker", set_as_current=False)
    app.conf.update(
        celery_settings(broker, results, _PATIENCE, settings.tls(), settings.redelivery),
        task_queues=[Queue(name, Exchange(name), name) for name in sorted(set(settings.queues()))],
        worker_concurrency=processes or settings.processes,
        anchorhold_worker=settings.name,
        worker_pool="prefork",
        worker_proc_alive_timeout=_START_SECONDS,
        worker_consumer="anchorhold_celery.worker.consumer:CarefulConsumer",
        worker_cancel_long_running_tasks_on_connection_loss=False,
    )
    process = Process(config, signing)
    _add_task(app, process)
    worker_process_init.connect(process.open, weak=False)
    worker_process_shutdown.connect(process.close, weak=False)
    worker_ready.connect(Watchdog().start, weak=False)
    keep_results_out_of_logs()
    return app


def _add_task(app: Celery, process: Process) -> None:
    def run(task: Any, *arguments: object, **others: object) -> str:
        return process.run(task, *arguments, **others)

    app.task(run, name=TASK, bind=True, typing=False, max_retries=0)


def _number() -> int:
    """Which process of the pool this is, from 1; one that follows another has its number."""
    return int(getattr(current_process(), "index", 0)) + 1


@cache
def default_application() -> Celery:
    """The application for ``celery -A anchorhold_celery``, by the settings that are found.

    Raises:
        SystemExit: They are wrong; Celery would show where, not what.
    """
    try:
        return application()
    except AnchorholdError as error:
        raise SystemExit(f"anchorhold worker: {error}") from None
