"""Everything but OCSP: revocation lists, certificates of issuers, and how the server is."""

from __future__ import annotations

import logging
from functools import wraps
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from anchorhold.errors import AnchorholdError
from anchorhold.x509.pem import pem_of
from anchorhold.x509.validity import is_ahead, now
from anchorhold_server.asgi import has_already
from anchorhold_server.messages import LONGEST_CACHING, caching_headers
from anchorhold_server.metrics import exposition

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from anchorhold_server.alarms import Alarms
    from anchorhold_server.answers import Answers
    from anchorhold_server.health import Health, Watch
    from anchorhold_server.metrics import Metrics
    from anchorhold_server.registry import Registry, Served
    from anchorhold_server.shelf import Shelf

CRL_TYPES: Final = {"crl": "application/pkix-crl", "pem": "application/x-pem-file"}
CERTIFICATE_TYPES: Final = {"der": "application/pkix-cert", "pem": "application/x-pem-file"}
"""Media types by the ending of a path (RFC 5280, section 4.2.1.13; RFC 2585)."""
LATER: Final = {"retry-after": "5"}

logger = logging.getLogger(__name__)


class Pages:
    """What is behind each path.

    Args:
        answers: Knows who is served.
        shelf: Has CRLs.
        watch: Knows how everything is.
        metrics: Are shown, and count.
        alarms: Are told what is wrong.
    """

    def __init__(self, answers: Answers, shelf: Shelf, watch: Watch, metrics: Metrics, alarms: Alarms) -> None:
        self._answers = answers
        self._shelf = shelf
        self._watch = watch
        self._metrics = metrics
        self._alarms = alarms

    def application(self) -> Starlette:
        """All of it as an ASGI application."""
        routes = [
            Route("/crl/{serial}.{ending:str}", self._counted("crl", self._crl)),
            Route("/crl/{serial}/{shard:int}.{ending:str}", self._counted("crl", self._crl)),
            Route("/issuer/{serial}.{ending:str}", self._counted("issuer", self._issuer)),
            Route("/healthz", self._counted("healthz", self._healthz)),
            Route("/readyz", self._counted("readyz", self._readyz)),
            Route("/metrics", self._counted("metrics", self._show_metrics)),
        ]
        pages = Starlette(routes=routes)
        pages.router.redirect_slashes = False  # a slash too many leads nowhere, and Location would have the wrong host
        return pages

    async def health(self) -> Health:
        """How everything is."""
        try:
            registry = await self._answers.registry()
            await self._answers.try_keys(registry)
            return await self._answers.run(lambda: self._watch.look(registry))
        except (AnchorholdError, TimeoutError) as error:
            return self._watch.failed(str(error) or "does not answer in time")

    def _counted(
        self, name: str, page: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Count answers, and say that the ledger is away where that is why there is none."""

        @wraps(page)
        async def counted(request: Request) -> Response:
            try:
                response = await page(request)
            except HTTPException as error:
                response = PlainTextResponse(f"{error.detail}\n", error.status_code)
            except (AnchorholdError, TimeoutError) as error:
                self._alarms.begin("ledger", str(error) or "does not answer in time")
                response = PlainTextResponse("try later\n", 503, LATER)
            except Exception:
                logger.exception("defect", extra={"details": {"path": request.url.path}})
                self._metrics.count("errors", "defect")
                response = PlainTextResponse("internal error\n", 500)
            self._metrics.count("http_answers", name, str(response.status_code))
            return response

        return counted

    async def _crl(self, request: Request) -> Response:
        """``/crl/<serial of the CA>.crl`` or ``.pem``; ``/crl/<serial>/<shard>.crl`` for a partial one."""
        media_type = _media_type(request, CRL_TYPES)
        registry = await self._answers.registry()
        authority = _served(request, registry).authority
        shard = request.path_params.get("shard")
        if shard is not None and shard >= (authority.record.issuing.crl_shards or 0):
            raise HTTPException(404, "there is no such shard")
        crl = await self._answers.run(lambda: self._shelf.find(registry.epoch, authority, shard))
        if crl is None:
            raise HTTPException(404, "no CRL was made yet")
        pem = request.path_params["ending"] == "pem"
        etag = crl.etag[:-1] + b'-pem"' if pem else crl.etag
        headers = _caching(etag, crl.state.this_update, crl.state.next_update)
        if has_already(request.scope, etag):
            return Response(status_code=304, headers=headers)
        file = await self._answers.run(lambda: self._shelf.pem(crl)) if pem else crl.file
        return FileResponse(file, headers=headers, media_type=media_type)

    async def _issuer(self, request: Request) -> Response:
        """``/issuer/<serial of the CA>.der`` or ``.pem``."""
        media_type = _media_type(request, CERTIFICATE_TYPES)
        registry = await self._answers.registry()
        authority = _served(request, registry).authority
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
        """Whether everything that is answered from is good; 503 if not, with what is wrong."""
        health = await self.health()
        return JSONResponse(_shown(health), 200 if health.ready else 503, {"cache-control": "no-store"})

    async def _show_metrics(self, _: Request) -> Response:
        health = await self.health()
        text = exposition(self._metrics.sums(), _gauges(health))
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4")


def _served(request: Request, registry: Registry) -> Served:
    """The authority whose serial number is in the path."""
    found = registry.served.get(request.path_params["serial"].lower())
    if found is None:
        raise HTTPException(404, "there is no such authority")
    return found


def _media_type(request: Request, known: dict[str, str]) -> str:
    try:
        return known[request.path_params["ending"]]
    except KeyError:
        raise HTTPException(404, f"the path ends with one of: {', '.join(known)}") from None


def _caching(etag: bytes, modified: dt.datetime, expires: dt.datetime) -> dict[str, str]:
    moment = now()
    if is_ahead(modified, moment):  # it is to be replaced as soon as that is noticed
        modified = expires = moment  # nothing is dated after the response itself (RFC 9110, section 8.8.2.1)
    left = int((expires - moment).total_seconds())
    headers = caching_headers(etag, modified, expires, max(0, min(LONGEST_CACHING, left)))
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
                "responder_expires": _text(one.responder_expires),
                "crl_made": _text(one.crl_made),
                "crl_expires": _text(one.crl_expires),
            }
            for one in health.authorities
        ],
    }


def _text(moment: dt.datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _gauges(health: Health) -> dict[tuple[str, ...], float]:
    moment = now()
    gauges: dict[tuple[str, ...], float] = {("ledger_reachable",): float(health.ledger)}
    for one in health.authorities:
        gauges["authority_ready", one.name] = float(not one.problems)
        for name, sign, at in (
            ("responder_expiry_seconds", 1, one.responder_expires),
            ("crl_age_seconds", -1, one.crl_made),
            ("crl_expiry_seconds", 1, one.crl_expires),
        ):
            if at is not None:
                gauges[name, one.name] = sign * (at - moment).total_seconds()
    return gauges
