"""All paths but OCSP: CRLs, certificates of issuers, health and metrics."""

from __future__ import annotations

import logging
from functools import wraps
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from anchorhold.errors import AnchorholdError
from anchorhold.operations.ocsp_answers import MAX_CACHE_AGE
from anchorhold.x509.pem import pem_of
from anchorhold.x509.validity import is_in_future, now
from anchorhold_server.asgi import has_already
from anchorhold_server.health_metrics import health_metrics
from anchorhold_server.ledger_reader import reread
from anchorhold_server.ocsp_http import caching_headers
from anchorhold_server.worker_metrics import worker_metrics

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Awaitable, Callable, Iterable

    from prometheus_client import Metric
    from starlette.requests import Request

    from anchorhold_server.alarm_log import AlarmLog
    from anchorhold_server.authority_snapshot import AuthoritySnapshot, ServedAuthority
    from anchorhold_server.crl_file_cache import CrlFileCache
    from anchorhold_server.health import Health, HealthMonitor
    from anchorhold_server.key_executors import KeyExecutors
    from anchorhold_server.ledger_executor import LedgerExecutor
    from anchorhold_server.ledger_reader import LedgerReader
    from anchorhold_server.metrics import Metrics
    from anchorhold_server.responders import Responder
    from anchorhold_server.snapshot_source import SnapshotSource

CRL_TYPES: Final = {"crl": "application/pkix-crl", "pem": "application/x-pem-file"}
CERTIFICATE_TYPES: Final = {"der": "application/pkix-cert", "pem": "application/x-pem-file"}
"""Media types by the ending of a path (RFC 5280, section 4.2.1.13; RFC 2585)."""
TRY_LATER: Final = {"retry-after": "5"}

logger = logging.getLogger(__name__)


class Routes:
    """The endpoints.

    Args:
        reader: Reads the ledger.
        snapshots: Who is served.
        executor: For what reads the ledger.
        crls: Has CRLs.
        keys: Opens the keys of responders.
        monitor: Checks everything.
        metrics: Counts responses, and is shown.
        alarms: Is told what is wrong.
    """

    def __init__(
        self,
        *,
        reader: LedgerReader,
        snapshots: SnapshotSource,
        executor: LedgerExecutor,
        crls: CrlFileCache,
        keys: KeyExecutors,
        monitor: HealthMonitor,
        metrics: Metrics,
        alarms: AlarmLog,
    ) -> None:
        self._reader = reader
        self._snapshots = snapshots
        self._executor = executor
        self._crls = crls
        self._keys = keys
        self._monitor = monitor
        self._metrics = metrics
        self._alarms = alarms

    def application(self) -> Starlette:
        """The ASGI application."""
        routes = [
            Route("/crl/{serial}.{ending:str}", self._counted("crl", self._crl)),
            Route("/crl/{serial}/{shard:int}.{ending:str}", self._counted("crl", self._crl)),
            Route("/issuer/{serial}.{ending:str}", self._counted("issuer", self._issuer)),
            Route("/healthz", self._counted("healthz", self._healthz)),
            Route("/readyz", self._counted("readyz", self._readyz)),
            Route("/metrics", self._counted("metrics", self._show_metrics)),
        ]
        application = Starlette(routes=routes)
        application.router.redirect_slashes = (
            False  # a slash too many leads nowhere, and Location would have the wrong host
        )
        return application

    async def health(self) -> Health:
        """How everything is."""
        try:
            snapshot = await self._snapshots.current()
            await self._open_keys(snapshot.responders())
            return await self._executor.run(lambda: self._monitor.check(snapshot))
        except (AnchorholdError, TimeoutError) as error:
            return self._monitor.failed(str(error) or "does not answer in time")

    async def _open_keys(self, responders: Iterable[Responder]) -> None:
        """Open the keys that are not open yet; their passwords are read together."""
        waiting = [responder for responder in responders if not responder.is_open]
        if waiting:
            passwords = await self._executor.run(lambda: reread(self._reader.responder_passwords))
            await self._keys.open_all(waiting, passwords)

    def _counted(
        self, name: str, endpoint: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Count responses, and turn errors into responses."""

        @wraps(endpoint)
        async def counted(request: Request) -> Response:
            try:
                response = await endpoint(request)
            except HTTPException as error:
                response = PlainTextResponse(f"{error.detail}\n", error.status_code)
            except (AnchorholdError, TimeoutError) as error:
                self._alarms.report("ledger", str(error) or "does not answer in time")
                response = PlainTextResponse("try later\n", 503, TRY_LATER)
            except Exception:
                logger.exception("defect", extra={"details": {"path": request.url.path}})
                self._metrics.errors.labels("defect").inc()
                response = PlainTextResponse("internal error\n", 500)
            self._metrics.http_responses.labels(name, str(response.status_code)).inc()
            return response

        return counted

    async def _crl(self, request: Request) -> Response:
        """``/crl/<serial of the CA>.crl`` or ``.pem``; ``/crl/<serial>/<shard>.crl`` for a partial one."""
        media_type = _media_type(request, CRL_TYPES)
        snapshot = await self._snapshots.current()
        authority = _served(request, snapshot).authority
        shard = request.path_params.get("shard")
        if shard is not None and shard >= (authority.record.issuing.crl_shards or 0):
            raise HTTPException(404, "this shard does not exist")
        crl = await self._executor.run(lambda: self._crls.find(snapshot.revision, authority, shard))
        if crl is None:
            raise HTTPException(404, "no CRL has been generated yet")
        pem = request.path_params["ending"] == "pem"
        etag = crl.etag[:-1] + b'-pem"' if pem else crl.etag
        headers = _caching(etag, crl.state.this_update, crl.state.next_update)
        if has_already(request.scope, etag):
            return Response(status_code=304, headers=headers)
        file = await self._executor.run(lambda: self._crls.pem(crl)) if pem else crl.file
        return FileResponse(file, headers=headers, media_type=media_type)

    async def _issuer(self, request: Request) -> Response:
        """``/issuer/<serial of the CA>.der`` or ``.pem``."""
        media_type = _media_type(request, CERTIFICATE_TYPES)
        snapshot = await self._snapshots.current()
        authority = _served(request, snapshot).authority
        der = authority.record.certificate or b""
        etag = f'"{authority.record.serial}-{request.path_params["ending"]}"'.encode()
        certificate = authority.certificate
        headers = _caching(etag, certificate.not_valid_before_utc, certificate.not_valid_after_utc)
        if has_already(request.scope, etag):
            return Response(status_code=304, headers=headers)
        if request.path_params["ending"] == "pem":
            der = pem_of(der).encode()
        return Response(der, headers=headers, media_type=media_type)

    async def _healthz(self, _: Request) -> Response:
        """Whether this process answers at all."""
        return PlainTextResponse("ok\n")

    async def _readyz(self, _: Request) -> Response:
        """Whether everything that is served is good; 503 if not, with what is wrong."""
        health = await self.health()
        return JSONResponse(_shown(health), 200 if health.ready else 503, {"cache-control": "no-store"})

    async def _show_metrics(self, request: Request) -> Response:
        gauges = [*health_metrics(await self.health()), *await self._worker_gauges()]
        text, media_type = self._metrics.exposition(gauges, request.headers.get("accept", ""))
        return Response(text, headers={"content-type": media_type})

    async def _worker_gauges(self) -> Iterable[Metric]:
        """What is known of workers; nothing if the ledger cannot be read, which other gauges say."""
        try:
            workers, refusals = await self._executor.run(lambda: reread(self._reader.workers))
        except (AnchorholdError, TimeoutError):
            return ()
        return worker_metrics(workers, refusals)


def _served(request: Request, snapshot: AuthoritySnapshot) -> ServedAuthority:
    """The authority whose serial number is in the path."""
    found = snapshot.served.get(request.path_params["serial"].lower())
    if found is None:
        raise HTTPException(404, "this authority does not exist")
    return found


def _media_type(request: Request, known: dict[str, str]) -> str:
    try:
        return known[request.path_params["ending"]]
    except KeyError:
        raise HTTPException(404, f"the path ends with one of: {', '.join(known)}") from None


def _caching(etag: bytes, modified: dt.datetime, expires: dt.datetime) -> dict[str, str]:
    moment = now()
    if is_in_future(modified, moment):  # it is to be replaced as soon as that is noticed
        modified = expires = moment  # nothing is dated after the response itself (RFC 9110, section 8.8.2.1)
    left = int((expires - moment).total_seconds())
    headers = caching_headers(etag, modified, expires, max(0, min(MAX_CACHE_AGE, left)))
    return {name.decode(): value.decode() for name, value in headers}


def _shown(health: Health) -> dict[str, object]:
    return {
        "ready": health.ready,
        "ledger": "reachable" if health.ledger else "not reachable",
        "problems": list(health.problems),
        "authorities": [
            {
                "name": one.name,
                "serial": one.serial,
                "problems": list(one.problems),
                "certificate_expires": _text(one.certificate_expires),
                "responder_expires": _text(one.responder_expires),
                "crl_made": _text(one.crl_made),
                "crl_expires": _text(one.crl_expires),
            }
            for one in health.authorities
        ],
    }


def _text(moment: dt.datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
