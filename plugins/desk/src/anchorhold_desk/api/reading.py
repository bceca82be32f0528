"""Reading requests: bounded, JSON only, each fault one sentence."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect

from anchorhold.errors import InputError
from anchorhold_desk.api.endpoint import JSON, Endpoint
from anchorhold_desk.api.http_problems import (
    MediaTypeError,
    NotAcceptableError,
    SlowError,
    TooLargeError,
    UnreadableError,
)

if TYPE_CHECKING:
    from starlette.datastructures import Headers, QueryParams
    from starlette.requests import Request

    from anchorhold_desk.api.model import Model, Query

M = TypeVar("M", bound=BaseModel)

MAX_BODY: Final = 256 * 1024
"""Octets of a request's content."""
PATIENCE: Final = 30
"""Seconds within which it must have arrived."""
_JSON_ERRORS: Final = ("json_invalid", "json_type")
_HINT: Final = "see the description of the API"


async def read_body(request: Request, endpoint: Endpoint) -> bytes:
    """The content of a request.

    Raises:
        HttpError: It is too large, too slow, or not JSON.
    """
    body = bytearray()
    if (
        request.headers.get("content-length", "0").isdecimal()
        and int(request.headers.get("content-length", "0")) > MAX_BODY
    ):
        raise _too_large()
    try:
        async with asyncio.timeout(PATIENCE):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY:
                    raise _too_large()
    except TimeoutError:
        raise SlowError("content: takes too long", hint="send it at once", headers={"connection": "close"}) from None
    except ClientDisconnect:
        raise UnreadableError("content: was cut off", hint="repeat the request") from None
    if body and endpoint.body is None:
        raise UnreadableError("content: is not expected here", hint="send none")
    if body and not _is_json(request.headers):
        raise MediaTypeError("content: is not JSON by its content type", hint=f"send {JSON}")
    return bytes(body)


def _too_large() -> TooLargeError:
    return TooLargeError(
        f"content: has more than {MAX_BODY // 1024} KiB", hint="send less", headers={"connection": "close"}
    )


def _is_json(headers: Headers) -> bool:
    media, _, parameters = headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower().replace('"', "")
    return media.strip().lower() == JSON and charset in ("", "charset=utf-8")


def parsed_body(endpoint: Endpoint, body: bytes) -> Model | None:
    """The content of a request as its endpoint wants it.

    Raises:
        UnreadableError: It is not JSON.
        InputError: It is JSON, and something else than is wanted.
    """
    if endpoint.body is None:
        return None
    if not body and endpoint.takes_nothing:
        body = b"{}"
    try:
        return endpoint.body.model_validate_json(body)
    except ValidationError as error:
        if error.errors(include_url=False, include_input=False)[0]["type"] in _JSON_ERRORS:
            raise UnreadableError("content: is not JSON that can be read", hint="correct it") from None
        raise _first(error, "content") from None


def parsed_query(endpoint: Endpoint, parameters: QueryParams) -> Query:
    """The parameters of a request as its endpoint wants them.

    Raises:
        InputError: They are not.
    """
    given = dict(parameters.multi_items())
    if len(given) != len(parameters.multi_items()):
        raise InputError("query: has a parameter twice", hint="give it once")
    try:
        return endpoint.query.model_validate_strings(given)
    except ValidationError as error:
        raise _first(error, "query") from None


def _first(error: ValidationError, where: str) -> InputError:
    """The first thing that is wrong, without what was given, for that may be a secret."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part)[:64] for part in first["loc"])
    place = "".join(letter if letter.isprintable() else "?" for letter in place)
    words = first["msg"].removeprefix("Value error, ")
    return InputError(f"{where}{f', {place}' if place else ''}: {words[:1].lower()}{words[1:]}", hint=_HINT)


def chosen_media(endpoint: Endpoint, accept: str) -> str:
    """The media type of the answer (RFC 9110, section 12.5.1): the one that the client likes most.

    Raises:
        NotAcceptableError: It wants none of them.
    """
    if not accept.strip():
        return endpoint.media[0]
    ranges = [_weighed(part) for part in accept.split(",") if part.strip()]
    liked = {media: _liking(media, ranges) for media in endpoint.media}
    best = max(endpoint.media, key=lambda media: liked[media])
    if not liked[best]:
        raise NotAcceptableError(
            "answer: has none of the forms in Accept", hint=f"accept {' or '.join(endpoint.media)}"
        )
    return best


def _weighed(part: str) -> tuple[str, float]:
    media, *parameters = (piece.strip().lower() for piece in part.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return media, min(max(float(value), 0.0), 1.0)
            except ValueError:
                return media, 0.0
    return media, 1.0


def _liking(media: str, ranges: list[tuple[str, float]]) -> float:
    """What the most exact range says."""
    for wanted in (media, f"{media.partition('/')[0]}/*", "*/*"):
        if found := [weight for given, weight in ranges if given == wanted]:
            return max(found)
    return 0.0


def etags_of(header: str | None) -> frozenset[str]:
    """The ETags in a header (RFC 9110, section 8.8.3), ``*`` as it is."""
    return frozenset(part.strip().removeprefix("W/") for part in (header or "").split(",") if part.strip())
