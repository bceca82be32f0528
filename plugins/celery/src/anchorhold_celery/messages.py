"""Messages between a host and a worker: JSON in a text, signed by who sends it.

A message is a JSON text with ``body``, a text that is JSON itself, and ``signature``, Ed25519 over the octets of that.
So nothing between both, neither Celery nor a broker, reads or changes what is signed. A request names its operation, so
that one cannot be taken for another; a reply names the SHA-256 of the body that it answers, so that it cannot be given
to another request.

Another release may have another version of messages. What all of them keep, so that each host can say what is wrong: a
message and its signature, the member ``version`` of both bodies, and of a reply ``to`` and the error in ``answer``.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

VERSION: Final = 1
"""Of messages; a worker refuses others. Any other member, operation or meaning raises it."""
TASK: Final = "anchorhold.request"
"""Name of the only task of Celery: what is asked stands in the message, where it is signed."""
OPERATIONS: Final = ("sign", "create_key", "find_key", "delete_key", "list_keys", "describe_key", "check_place")
_ID: Final = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TOO_LARGE: Final = 2**63
"""An integer that no member of a message needs; one of more than 308 digits is no float."""
_CONTEXT: Final[dict[str, bytes]] = {
    "request": b"anchorhold request\x00",
    "reply": b"anchorhold reply\x00",
}
"""What is signed begins with, so that a request is never taken for a reply; nor for anything else."""


class MessageError(Exception):
    """A message that is not what it should be; the text says how, without any of its content."""


class OtherVersionError(MessageError):
    """A message of another version, which its sender signed if it is a reply.

    Args:
        found: The version.
        told: The error that it tells of, if it is a reply.
    """

    def __init__(self, found: float, told: object = None) -> None:
        compared = "a newer" if found > VERSION else "an older"
        super().__init__(f"is of {compared} version ({found!r:.20}) than this host reads ({VERSION})")
        self.told = told


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a host asks of a worker. It has no secret.

    Attributes:
        operation: One of `OPERATIONS`.
        id: A UUID, also of the task of Celery.
        peer: Who asks.
        alias: Of the key on the worker's host.
        role: What the alias is for: ``ca`` or ``ocsp``.
        deadline: Seconds since 1970, by the clock of the database; after it nothing is done.
        content: The rest, by the operation.
    """

    operation: str
    id: str
    peer: str
    alias: str
    role: str
    deadline: float
    content: Mapping[str, Any]

    def to_body(self) -> str:
        """As JSON."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return json.dumps({"version": VERSION, **fields}, sort_keys=True)

    @classmethod
    def from_body(cls, body: str) -> Request:
        """The opposite of `to_body`.

        Raises:
            MessageError: It is of another version, or has not what a request has; its operation may be an unknown one.
        """
        found = _object(body)
        _check_version(found.pop("version", None))
        types = {"operation": str, "id": str, "peer": str, "alias": str, "role": str, "content": dict}
        wrong = [name for name, kind in types.items() if not isinstance(found.get(name), kind)]
        deadline = found.get("deadline")
        if wrong or set(found) != {*types, "deadline"} or not _is_number(deadline):
            raise MessageError("has not the members of a request")
        if found["role"] not in ("ca", "ocsp") or not _ID.fullmatch(found["id"]):
            raise MessageError("has not the members of a request")
        return cls(**found)


def seal(body: str, key: Ed25519PrivateKey, kind: str) -> str:
    """A message with its signature.

    Args:
        body: JSON.
        key: Of the sender.
        kind: ``request`` or ``reply``.
    """
    signature = key.sign(_CONTEXT[kind] + body.encode())
    return json.dumps({"body": body, "signature": b64encode(signature).decode()})


def opened(message: object) -> tuple[str, bytes]:
    """The body and the signature of a message, which is not verified yet.

    Raises:
        MessageError: It is no message.
    """
    if not isinstance(message, str):
        raise MessageError("is not a text")
    found = _object(message)
    body, signature = found.get("body"), found.get("signature")
    if not isinstance(body, str) or not isinstance(signature, str):
        raise MessageError("has no body and signature")
    return body, octets(signature)


def is_signed(body: str, signature: bytes, keys: Iterable[Ed25519PublicKey], kind: str) -> bool:
    """Whether one of the keys has signed a body.

    Args:
        body: As it was received.
        signature: From `opened`.
        keys: Of the sender.
        kind: ``request`` or ``reply``.
    """
    from cryptography.exceptions import InvalidSignature

    for key in keys:
        try:
            key.verify(signature, _CONTEXT[kind] + body.encode(errors="surrogatepass"))
        except InvalidSignature:
            continue
        return True
    return False


def reply_body(request_body: str, answer: Mapping[str, Any]) -> str:
    """The body of a reply: an answer, and what it answers.

    Args:
        request_body: Of the request, as it was received.
        answer: JSON.
    """
    return json.dumps({"version": VERSION, "to": digest_of(request_body), "answer": answer}, sort_keys=True)


def answer_in(message: object, request_body: str, keys: Iterable[Ed25519PublicKey]) -> dict[str, Any]:
    """The answer in a reply.

    Args:
        message: As it was received.
        request_body: Of the request.
        keys: Of the workers.

    Raises:
        OtherVersionError: It is of another version.
        MessageError: It is none, by another sender, or for another request.
    """
    body, signature = opened(message)
    if not is_signed(body, signature, keys, "reply"):
        raise MessageError("is not signed by a key of `worker_keys`")
    found = _object(body)
    answer = found.get("answer")
    if found.get("to") != digest_of(request_body) or not isinstance(answer, dict):
        raise MessageError("is for another request")
    _check_version(found.get("version"), answer.get("error"))
    return answer


def digest_of(body: str) -> str:
    """SHA-256 of a body, in hexadecimal."""
    return sha256(body.encode(errors="surrogatepass")).hexdigest()


def text(value: bytes) -> str:
    """Octets as a message has them: Base64 (RFC 4648, section 4)."""
    return b64encode(value).decode()


def octets(value: object) -> bytes:
    """The opposite of `text`.

    Raises:
        MessageError: It is no such text.
    """
    try:
        return b64decode(value, validate=True)  # type: ignore[arg-type]
    except (Base64Error, TypeError, ValueError):
        raise MessageError("has octets that are no Base64") from None


def _check_version(version: object, told: object = None) -> None:
    if not _is_number(version):
        raise MessageError("has no version")
    if version != VERSION:
        raise OtherVersionError(version, told)


def _is_number(value: object) -> TypeGuard[float]:
    """Whether it can be reckoned with as a float."""
    return type(value) is float or (type(value) is int and abs(value) < _TOO_LARGE)


def _object(given: str) -> dict[str, Any]:
    try:
        found = json.loads(given)
    except (ValueError, RecursionError):
        raise MessageError("is no JSON") from None
    if not isinstance(found, dict):
        raise MessageError("is no JSON object")
    return found
