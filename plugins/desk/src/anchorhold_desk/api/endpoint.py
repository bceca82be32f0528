"""An endpoint of REST: a row of the one table that routes, OpenAPI and documentation are made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from anchorhold_desk.api.model import Query

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from anchorhold_desk.api.model import Model
    from anchorhold_desk.desk import ActingDesk, Desk
    from anchorhold_desk.roles import Act

JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Content:
    """An answer that is not JSON.

    Attributes:
        body: What it is.
        media: Its media type.
    """

    body: bytes
    media: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request for an endpoint, checked.

    Attributes:
        desk: The desk.
        acting: The same for who has sent it.
        path: The parts of the path, by name.
        query: The parameters, as the model of the endpoint has them.
        body: The content, as the model of the endpoint has it; None if it takes none.
        media: The media type of the answer.
        matches: ETags of ``If-Match``; empty if there is none.
        again: Whether it may have been done, at least begun, with this idempotency key.
    """

    desk: Desk
    acting: ActingDesk
    path: Mapping[str, str]
    query: Any
    body: Any
    media: str = JSON
    matches: frozenset[str] = frozenset()
    again: bool = False


Handler: TypeAlias = "Callable[[Call], dict[str, Any] | Content | None]"


@dataclass(frozen=True, slots=True)
class Link:
    """What can be done with an answer.

    Attributes:
        operation: Identifier of the endpoint that does it.
        part: The part of its path that the answer has.
        pointer: Where the answer has it (RFC 6901).
    """

    operation: str
    part: str
    pointer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """What can be asked for.

    Attributes:
        method: Of HTTP.
        path: Below the API, with the names of its parts in braces.
        operation: Its identifier, which never changes.
        summary: What it does.
        acts: What must be allowed, one of them; empty where everybody who is known may, and sees what is theirs.
        answer: Model of the answer; None for none.
        handler: Does it, in a thread.
        query: Model of the parameters.
        body: Model of the content of the request; None for none.
        status: Of success.
        media: Media types of the answer, the first where the client has no wish.
        is_one: Whether the answer is one thing, which has an ETag.
        has_secret: Whether the answer has a secret, and so is not kept for a repetition.
        location: Path of what was made, with members of the answer in braces; None if nothing was.
        links: What can be done with the answer.
        for_people: Whether it is refused to tokens.
    """

    method: str
    path: str
    operation: str
    summary: str
    handler: Handler
    acts: tuple[Act, ...] = ()
    answer: type[Model] | None = None
    query: type[Query] = Query
    body: type[Model] | None = None
    status: int = 200
    media: tuple[str, ...] = (JSON,)
    is_one: bool = False
    has_secret: bool = False
    location: str | None = None
    links: tuple[Link, ...] = ()
    for_people: bool = False

    @property
    def takes_nothing(self) -> bool:
        """Whether a request without content is enough."""
        return self.body is None or not any(field.is_required() for field in self.body.model_fields.values())
