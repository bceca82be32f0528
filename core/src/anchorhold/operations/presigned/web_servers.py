"""Configurations of web servers: what is in the folder they serve, and `serve` answers everything else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from anchorhold.errors import InputError
from anchorhold.operations.ocsp_answers import MAX_CACHE_AGE
from anchorhold.x509.ocsp_paths import LETTERS, SUFFIX

if TYPE_CHECKING:
    from pathlib import Path

WebServer: TypeAlias = Literal["nginx", "caddy"]
SERVE_URL: Final = "http://127.0.0.1:8000"
"""Where ``anchorhold serve`` listens unless told otherwise."""
_PATH: Final = f"^/ocsp/+(?<ocsp_request>{LETTERS})[=/]*$"
"""A GET request, once the server has undone its quoting; its last slashes and its padding are not in names of files."""
_CACHE_CONTROL: Final = f"max-age={MAX_CACHE_AGE}, public, no-transform, must-revalidate"
_UNSAFE: Final = re.compile(r'["\\${}\x00-\x1f\x7f]')
"""What no path in a quoted word of these files can have."""
_URL: Final = re.compile(r"https?://(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?")

_NGINX: Final = """\
# Pre-signed OCSP responses of anchorhold; to be included in a server block.
location = /ocsp {{
    proxy_pass {url};
}}
location /ocsp/ {{
    proxy_pass {url};
}}
location ~ {path} {{
    root "{folder}";
    try_files /$ocsp_request{suffix} @anchorhold_serve;
    types {{ application/ocsp-response {extension}; }}
    add_header Cache-Control "{cache_control}";
    error_page 405 = @anchorhold_serve;
}}
location @anchorhold_serve {{
    proxy_pass {url};
}}
"""
_CADDY: Final = """\
# Pre-signed OCSP responses of anchorhold; to be imported in a site block.
handle /ocsp* {{
	@request {{
		method GET HEAD
		path_regexp request {path}
	}}
	handle @request {{
		root * "{folder}"
		@there file /{{re.request.1}}{suffix}
		handle @there {{
			rewrite * /{{re.request.1}}{suffix}
			header Content-Type application/ocsp-response
			header Cache-Control "{cache_control}"
			file_server
		}}
		handle {{
			reverse_proxy {url}
		}}
	}}
	handle {{
		reverse_proxy {url}
	}}
}}
"""
_TEMPLATES: Final[dict[WebServer, tuple[str, str]]] = {
    "nginx": (_NGINX, _PATH),
    "caddy": (_CADDY, _PATH.replace("?<ocsp_request>", "")),
}


def configuration(kind: WebServer, folder: Path, serve_url: str = SERVE_URL) -> str:
    """The configuration of a web server.

    Args:
        kind: Of which one.
        folder: With the responses, absolute.
        serve_url: Where ``anchorhold serve`` listens.

    Raises:
        InputError: The path cannot stand in such a file, or the URL is none of a server alone.
    """
    if _UNSAFE.search(str(folder)):
        raise InputError(f"{folder}: has characters that web servers take for their own", hint="rename the folder")
    if not _URL.fullmatch(serve_url):
        raise InputError(
            f"URL {serve_url!r}: is not that of a server, without a path", hint=f"write it like {SERVE_URL}"
        )
    template, path = _TEMPLATES[kind]
    return template.format(
        url=serve_url,
        path=path,
        folder=folder,
        suffix=SUFFIX,
        extension=SUFFIX[1:],
        cache_control=_CACHE_CONTROL,
    )
