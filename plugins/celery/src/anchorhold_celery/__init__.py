"""Key backend ``celery``: private keys on another host, which a worker there lends through a message broker.

``celery -A anchorhold_celery worker`` starts that worker, as ``anchorhold worker`` does. Celery itself is imported only
where something is sent or received.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorhold_celery.backend import CeleryBackend

if TYPE_CHECKING:
    from celery import Celery

    app: Celery

__all__ = ["CeleryBackend"]

if not TYPE_CHECKING:

    def __getattr__(name):
        """``app``, where the command of Celery looks for it."""
        if name != "app":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from anchorhold_celery.worker.application import default_application

        return default_application()
