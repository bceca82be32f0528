"""Style sheets and scripts: read once, and kept by browsers until their content changes."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

_FOLDER: Final = Path(__file__).parent / "static"
_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


class StaticFiles:
    """The files in ``static``."""

    def __init__(self) -> None:
        files = {path.name: path.read_bytes() for path in _FOLDER.iterdir() if path.suffix in _TYPES}
        self._files = {f"/static/{sha256(content).hexdigest()[:16]}/{name}": content for name, content in files.items()}
        self._urls = {path.rpartition("/")[2]: path for path in self._files}

    def url(self, name: str) -> str:
        """The path of a file; it changes with its content."""
        return self._urls[name]

    def routes(self) -> list[Route]:
        """One for each file."""
        return [Route(path, self._answer) for path in self._files]

    async def _answer(self, request: Request) -> Response:
        path = request.url.path
        headers = {"cache-control": "public, max-age=31536000, immutable"}
        return Response(self._files[path], media_type=_TYPES[Path(path).suffix], headers=headers)
