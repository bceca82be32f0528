"""What a form sends, read within limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.datastructures import UploadFile
from starlette.requests import Request

from anchorhold.errors import AnchorholdError

if TYPE_CHECKING:
    from starlette.types import Message, Receive

LARGEST: Final = 256 * 1024
"""Octets of a form, files included; a certificate request has a few thousand."""
MOST_FIELDS: Final = 500


class TooLargeError(AnchorholdError):
    """A form is larger than any that is needed."""

    code = "too-large"


class Form:
    """What was typed, by name of the field.

    Args:
        fields: The fields; one may be there several times.
        files: Content of the files that were chosen.
    """

    def __init__(self, fields: dict[str, list[str]], files: dict[str, bytes]) -> None:
        self._fields = fields
        self._files = files

    def text(self, name: str) -> str:
        """A field, without space around it; empty if it was not sent."""
        return self.raw(name).strip()

    def raw(self, name: str) -> str:
        """The same with space around it, for passwords."""
        return self._fields.get(name, [""])[0]

    def lines(self, name: str) -> list[str]:
        """Lines of a field that are not empty."""
        return [line.strip() for line in self.raw(name).splitlines() if line.strip()]

    def every(self, name: str) -> list[str]:
        """All values of a field, such as boxes that were checked."""
        return self._fields.get(name, [])

    def file(self, name: str) -> bytes:
        """Content of a file; empty if none was chosen."""
        return self._files.get(name, b"")

    def names(self, prefix: str) -> list[str]:
        """What follows a prefix in the names of the fields that have it."""
        return [name.removeprefix(prefix) for name in self._fields if name.startswith(prefix)]


async def read_form(request: Request) -> Form:
    """The form that a request sends; an empty one if it sends none.

    Raises:
        TooLargeError: It is too large.
        HTTPException: It cannot be read; with status 400.
    """
    limited = Request(request.scope, _limited(request.receive))
    fields: dict[str, list[str]] = {}
    files: dict[str, bytes] = {}
    async with limited.form(max_files=1, max_fields=MOST_FIELDS, max_part_size=LARGEST) as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                files[name] = await value.read()
            else:
                fields.setdefault(name, []).append(value)
    return Form(fields, files)


def _limited(receive: Receive) -> Receive:
    seen = 0

    async def received() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > LARGEST:
            raise TooLargeError(f"form: has more than {LARGEST // 1024} KiB", hint="send less")
        return message

    return received
