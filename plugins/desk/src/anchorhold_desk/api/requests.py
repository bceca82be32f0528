"""Requests for certificates: submitting, approving, rejecting, signing."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field

from anchorhold.operations.order import Order
from anchorhold_desk.api.authorities import given_secrets
from anchorhold_desk.api.cursors import Cursor, cursor_of, number_of
from anchorhold_desk.api.endpoint import Call, Endpoint, Link
from anchorhold_desk.api.model import Line, Model, Moment, Name, PageSize, Query, Secrets, Told
from anchorhold_desk.roles import Act

KIND: Final = "request"


EXAMPLE: Final[dict[str, Any]] = {
    "authority": "Issuing",
    "csr": (
        "-----BEGIN CERTIFICATE REQUEST-----\n"
        "MIHTMHwCAQAwGjEYMBYGA1UEAwwPd3d3LmV4YW1wbGUuY29tMFkwEwYHKoZIzj0C\n"
        "AQYIKoZIzj0DAQcDQgAEgHf5XWOvv74SRAfFdxE7OoitAQ/0+8aazATXQekGeBPH\n"
        "YRiU61iwjBQgiQeN+QwMWJg8Ebtg55+hBlOE6Y3Kq6AAMAoGCCqGSM49BAMCA0cA\n"
        "MEQCIDEsin+GMNH1A3bRsfPGQjJ7Ewi3WLa4kAQ542x9AZd2AiBOaZ6NPFRVqMdk\n"
        "BAvoGxSD35YRFo3+ggQ4Vi98TOflxg==\n"
        "-----END CERTIFICATE REQUEST-----\n"
    ),
    "names": ["www.example.com"],
}


class RequestWanted(Model):
    """A request for a certificate."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    authority: Name
    csr: Annotated[
        str,
        Field(
            max_length=65_536,
            pattern=r"^\s*-----BEGIN (NEW )?CERTIFICATE REQUEST-----",
            description="CSR (RFC 2986) as PEM",
        ),
    ]
    profile: Name | None = None
    subject: Annotated[Line | None, Field(description="Distinguished name (RFC 4514)")] = None
    names: Annotated[
        list[Line],
        Field(max_length=500, default_factory=list, description="Subject alternative names, such as `DNS:a.example`"),
    ]
    expires: Moment | None = None
    copied: Annotated[list[Literal["subject", "alt"]], Field(alias="copy", max_length=2, default_factory=list)]


class RequestQuery(Query):
    """Which requests."""

    status: Literal["waiting", "reserved", "issued", "rejected"] | None = None
    authority: Name | None = None
    cursor: Cursor | None = None
    limit: PageSize = 100


class Submitter(Model):
    """Who has submitted a request."""

    kind: str
    name: str
    origin: str


class RequestItem(Model):
    """A request."""

    number: int
    status: Literal["waiting", "reserved", "issued", "rejected"]
    authority: str
    profile: str
    subject: str
    names: list[str]
    serial: str | None
    problem: str | None
    submitted_at: Told
    changed_at: Told
    submitted_by: Submitter | None
    approved_by: list[str]
    approvals: int


class RequestPage(Model):
    """A page of requests."""

    items: list[RequestItem]
    next: str | None


class Rejection(Model):
    """Why a request is rejected."""

    reason: Line


class SigningWanted(Model):
    """What is needed to sign a request."""

    secrets: Secrets


def _list(call: Call) -> dict[str, Any]:
    query: RequestQuery = call.query
    after = number_of(KIND, query.cursor) or 0
    page = call.acting.requests(query.status, query.authority, after=after, limit=query.limit)
    more = len(page) == query.limit
    return {
        "items": [kept.to_json() for kept in page],
        "next": cursor_of(KIND, page[-1].record.id) if more else None,
    }


def _submit(call: Call) -> dict[str, Any]:
    wanted: RequestWanted = call.body
    order = Order(
        csr=wanted.csr.encode(),
        names=tuple(wanted.names),
        subject=wanted.subject,
        profile=wanted.profile,
        expires=wanted.expires,
        copy=frozenset(wanted.copied),
    )
    return call.acting.submit(wanted.authority, order, again=call.again).to_json()


def _number(call: Call) -> int:
    return int(call.path["number"])


def _show(call: Call) -> dict[str, Any]:
    return call.acting.request(_number(call)).to_json()


def _approve(call: Call) -> dict[str, Any]:
    return call.acting.approve(_number(call)).to_json()


def _reject(call: Call) -> dict[str, Any]:
    return call.acting.reject(_number(call), call.body.reason).to_json()


def _sign(call: Call) -> dict[str, Any]:
    return call.acting.sign(_number(call), given_secrets(call.body.secrets)).to_json()


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/requests",
        operation="submitRequest",
        summary="Submit a request; it is signed at once where nobody has to approve it",
        acts=(Act.REQUEST,),
        body=RequestWanted,
        answer=RequestItem,
        status=201,
        handler=_submit,
        location="/requests/{number}",
        links=tuple(
            Link(operation, "number", "/number")
            for operation in ("showRequest", "approveRequest", "rejectRequest", "signRequest")
        ),
    ),
    Endpoint(
        method="GET",
        path="/requests",
        operation="listRequests",
        summary="A page of requests, oldest first: one's own, and those that one may approve",
        query=RequestQuery,
        answer=RequestPage,
        handler=_list,
    ),
    Endpoint(
        method="GET",
        path="/requests/{number}",
        operation="showRequest",
        summary="A request: one's own, or one that one may approve",
        acts=(Act.REQUEST, Act.APPROVE),
        answer=RequestItem,
        handler=_show,
        is_one=True,
    ),
    Endpoint(
        method="POST",
        path="/requests/{number}/approve",
        operation="approveRequest",
        summary="Approve a request; with the last approval that it needs it is signed",
        acts=(Act.APPROVE,),
        answer=RequestItem,
        handler=_approve,
    ),
    Endpoint(
        method="POST",
        path="/requests/{number}/reject",
        operation="rejectRequest",
        summary="Reject a request",
        acts=(Act.APPROVE,),
        body=Rejection,
        answer=RequestItem,
        handler=_reject,
    ),
    Endpoint(
        method="POST",
        path="/requests/{number}/sign",
        operation="signRequest",
        summary="Sign a request that was approved and could not be signed then",
        acts=(Act.APPROVE,),
        body=SigningWanted,
        answer=RequestItem,
        handler=_sign,
    ),
)
