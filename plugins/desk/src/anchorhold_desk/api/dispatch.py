"""From a request to its endpoint and back to an answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from anchorhold.errors import AnchorholdError
from anchorhold_desk.answers import FAILED, Claim
from anchorhold_desk.api.endpoint import JSON, Call, Content
from anchorhold_desk.api.etags import encoded, etag_of
from anchorhold_desk.api.http_problems import MethodError, NoPathError, defect_response, problem_response
from anchorhold_desk.api.idempotency import digest_of_request, read_key
from anchorhold_desk.api.reading import chosen_media, etags_of, parsed_body, parsed_query, read_body
from anchorhold_desk.api.table import looks_right
from anchorhold_desk.authentication import identity_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive, Scope, Send

    from anchorhold_desk.api.endpoint import Endpoint
    from anchorhold_desk.api.model import Model
    from anchorhold_desk.desk import Desk
    from anchorhold_desk.identity import Identity

REPLAYED: Final = {"idempotency-replayed": "true"}


class PathEndpoints:
    """The endpoints of one path, as an ASGI application.

    Args:
        desk: The desk.
        root: Path of the API.
        methods: The endpoints by method.
    """

    def __init__(self, desk: Desk, root: str, methods: Mapping[str, Endpoint]) -> None:
        self._desk = desk
        self._root = root
        self._methods = methods
        self._allowed = {*methods, *(["HEAD"] if "GET" in methods else [])}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        response = await self._respond(Request(scope, receive))
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        try:
            endpoint = self._methods.get("GET" if request.method == "HEAD" else request.method)
            if endpoint is None:
                return problem_response(MethodError(request.method, self._allowed))
            body: bytes | AnchorholdError
            try:
                body = await read_body(request, endpoint)
            except AnchorholdError as error:
                body = error  # told to those who are known only
            return await run_in_threadpool(self._answer, request, endpoint, body)
        except AnchorholdError as error:
            return problem_response(error)
        except Exception as error:  # nothing of it is told, and where it was is logged
            return defect_response(error)

    def _answer(self, request: Request, endpoint: Endpoint, body: bytes | AnchorholdError) -> Response:
        """Answer, in a thread."""
        try:
            identity = identity_of(request, self._desk)
            if isinstance(body, AnchorholdError):
                raise body
            _check_path(request)
            media = chosen_media(endpoint, request.headers.get("accept", ""))
            content = parsed_body(endpoint, body)
            key = read_key(request.headers.get("idempotency-key")) if endpoint.method == "POST" else None
            if key is not None:
                return self._once(request, endpoint, identity, content, key)
            return self._response(request, endpoint, self._act(request, endpoint, identity, content, media=media))
        finally:
            self._desk.give_back()

    def _act(
        self,
        request: Request,
        endpoint: Endpoint,
        identity: Identity,
        body: Model | None,
        *,
        media: str = JSON,
        claim: Claim | None = None,
    ) -> dict[str, Any] | Content | None:
        call = Call(
            desk=self._desk,
            acting=self._desk.acting(identity, None if claim is None else claim.correlation_id),
            path=request.path_params,
            query=parsed_query(endpoint, request.query_params),
            body=body,
            media=media,
            matches=etags_of(request.headers.get("if-match")),
            again=claim is not None and claim.again,
        )
        return endpoint.handler(call)

    def _once(self, request: Request, endpoint: Endpoint, identity: Identity, body: Model | None, key: str) -> Response:
        """Do it unless it was done with this key; what has failed may be done again."""
        assert identity.account is not None  # noqa: S101  # HTTP has no other way in
        answers, digest = self._desk.answers, digest_of_request(request.method, request.url.path, body)
        claim = answers.claim(identity.account.id, key, digest)
        if not isinstance(claim, Claim):
            headers = {**REPLAYED, **self._location(endpoint, json.loads(claim.body))}
            return Response(claim.body, claim.status, headers, JSON)
        status, text = FAILED, ""
        try:
            content = self._act(request, endpoint, identity, body, claim=claim)
            response = self._response(request, endpoint, content)
            status, text = endpoint.status, "" if endpoint.has_secret else bytes(response.body).decode()
        finally:
            answers.finish(claim, status, text)
        return response

    def _response(self, request: Request, endpoint: Endpoint, content: dict[str, Any] | Content | None) -> Response:
        if content is None:
            return Response(None, endpoint.status)
        body, media = (content.body, content.media) if isinstance(content, Content) else (encoded(content), JSON)
        headers = {"vary": "accept"} if len(endpoint.media) > 1 else {}
        if isinstance(content, dict):
            headers |= self._location(endpoint, content)
        if endpoint.is_one:
            headers["etag"] = tag = etag_of(body)
            if request.method in ("GET", "HEAD") and etags_of(request.headers.get("if-none-match")) & {"*", tag}:
                return Response(None, 304, headers)
        return Response(body, endpoint.status, headers, media)

    def _location(self, endpoint: Endpoint, content: dict[str, Any]) -> dict[str, str]:
        """The header that says where that is which was made."""
        return {} if endpoint.location is None else {"location": f"{self._root}{endpoint.location.format_map(content)}"}


def _check_path(request: Request) -> None:
    for name, text in request.path_params.items():
        if not looks_right(name, text):
            raise NoPathError(f"path: its {name} cannot be one", hint="look it up in the list")


class NoPath:
    """What is at every other path, as an ASGI application."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer that there is nothing."""
        error = NoPathError("path: is not of the API", hint="see its description at /api/v1/openapi.json")
        await problem_response(error)(scope, receive, send)
