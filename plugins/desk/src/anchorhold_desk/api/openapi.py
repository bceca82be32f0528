"""The description of the API (OpenAPI 3.1), made from the table of endpoints."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from pydantic.json_schema import models_json_schema

from anchorhold_desk.api.endpoint import JSON
from anchorhold_desk.api.http_problems import PROBLEM
from anchorhold_desk.api.model import Model
from anchorhold_desk.api.table import ENDPOINTS, PARTS, parts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel

    from anchorhold_desk.api.endpoint import Endpoint

REF: Final = "#/components/schemas/{model}"


class RemedyItem(Model):
    """An operation that mends what is wrong."""

    operation: str
    arguments: dict[str, Any]


class Problem(Model):
    """What is wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str
    remedy: RemedyItem | None


_IDEMPOTENCY: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "A request that is repeated with the same key is done once.",
    "schema": {"type": "string", "pattern": r"^[!-~]{1,64}$"},
}
_IF_MATCH: Final = {
    "name": "If-Match",
    "in": "header",
    "description": "ETag of what is changed, as it was read.",
    "schema": {"type": "string"},
}
_IF_NONE_MATCH: Final = {
    "name": "If-None-Match",
    "in": "header",
    "description": "ETag of what the client has; the answer is 304 if it is still the same.",
    "schema": {"type": "string"},
}


def document(cookie: str) -> dict[str, Any]:
    """The description.

    Args:
        cookie: Name of the cookie of sessions.
    """
    schemas = _schemas()
    paths: dict[str, Any] = {}
    for endpoint in ENDPOINTS:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "anchorhold desk",
            "version": "1",
            "description": "Requests for certificates, approvals, revocations, authorities, accounts.",
        },
        "servers": [{"url": "/api/v1"}],
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {"Problem": _response("What is wrong.", {PROBLEM: _ref("Problem")})},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": cookie},
            },
        },
    }


def _schemas() -> dict[str, Any]:
    taken = {endpoint.body for endpoint in ENDPOINTS if endpoint.body is not None}
    told = {endpoint.answer for endpoint in ENDPOINTS if endpoint.answer is not None} | {Problem}
    models: list[tuple[type[BaseModel], Any]] = [(model, "validation") for model in taken]
    models += [(model, "serialization") for model in told]
    ordered = sorted(models, key=lambda each: each[0].__name__)
    _, found = models_json_schema(ordered, ref_template=REF)
    schemas: dict[str, Any] = found["$defs"]
    return schemas


def _operation(endpoint: Endpoint, schemas: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": endpoint.operation,
        "summary": endpoint.summary,
        "description": needs(endpoint),
        "tags": [endpoint.path.split("/")[1]],
        "parameters": [*_path_parameters(endpoint), *query_parameters(endpoint), *_headers(endpoint)],
        "responses": _responses(endpoint),
    }
    if endpoint.body is not None:
        content = {JSON: {"schema": _ref(endpoint.body.__name__)}}
        found["requestBody"] = {"required": not endpoint.takes_nothing, "content": content}
    return found


def needs(endpoint: Endpoint) -> str:
    """What one has to be allowed, in a sentence."""
    if endpoint.for_people:
        return "For people: refused to tokens."
    if not endpoint.acts:
        return "For everybody who is known."
    return f"Needs the right to {' or to '.join(endpoint.acts)}."


def _ref(name: str) -> dict[str, str]:
    return {"$ref": REF.format(model=name)}


def _response(description: str, schemas: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {media: {"schema": schema} for media, schema in schemas.items()}}


def _path_parameters(endpoint: Endpoint) -> Iterator[dict[str, Any]]:
    for name in parts_of(endpoint.path):
        pattern, description = PARTS[name]
        schema = {"type": "string", "pattern": f"^{pattern}$"}
        yield {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


def query_parameters(endpoint: Endpoint) -> Iterator[dict[str, Any]]:
    """The parameters of the query of an endpoint, as the description has them."""
    properties = endpoint.query.model_json_schema(ref_template=REF).get("properties", {})
    for name, schema in properties.items():
        shown = {key: value for key, value in schema.items() if key not in ("title", "default")}
        options = [option for option in shown.pop("anyOf", []) if option.get("type") != "null"]
        yield {"name": name, "in": "query", "required": False, "schema": {**(options[0] if options else {}), **shown}}


def _headers(endpoint: Endpoint) -> Iterator[dict[str, Any]]:
    if endpoint.method == "POST":
        yield _IDEMPOTENCY
    if endpoint.method == "PATCH":
        yield _IF_MATCH
    if endpoint.method == "GET" and endpoint.is_one:
        yield _IF_NONE_MATCH


def _responses(endpoint: Endpoint) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if endpoint.answer is None:
        told[str(endpoint.status)] = {"description": "Done."}
    else:
        binary = {media: {"type": "string", "contentMediaType": media} for media in endpoint.media if media != JSON}
        told[str(endpoint.status)] = _response("Done.", {JSON: _ref(endpoint.answer.__name__), **binary})
    if endpoint.links:
        told[str(endpoint.status)]["links"] = {
            link.operation: {
                "operationId": link.operation,
                "parameters": {link.part: f"$response.body#{link.pointer}"},
            }
            for link in endpoint.links
        }
    if endpoint.is_one:
        told[str(endpoint.status)]["headers"] = {"ETag": {"schema": {"type": "string"}}}
        if endpoint.method == "GET":
            told["304"] = {"description": "It is what the client has."}
    for status in _problems(endpoint):
        told[str(status.value)] = {"$ref": "#/components/responses/Problem"}
    told["default"] = {"$ref": "#/components/responses/Problem"}
    return told


def _problems(endpoint: Endpoint) -> Iterator[HTTPStatus]:
    """Those that a client has to reckon with."""
    yield HTTPStatus.BAD_REQUEST
    yield HTTPStatus.UNAUTHORIZED
    yield HTTPStatus.FORBIDDEN
    if parts_of(endpoint.path):
        yield HTTPStatus.NOT_FOUND
    yield HTTPStatus.NOT_ACCEPTABLE
    if endpoint.method != "GET":
        yield HTTPStatus.CONFLICT
    if endpoint.method == "PATCH":
        yield HTTPStatus.PRECONDITION_FAILED
    if endpoint.body is not None:
        yield HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        yield HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    yield HTTPStatus.UNPROCESSABLE_ENTITY
    yield HTTPStatus.SERVICE_UNAVAILABLE
