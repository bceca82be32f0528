"""What of the settings may be shown: what is known to be harmless; everything else is masked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from anchorhold.secret import MASK, is_secret_reference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_KEYS_OF: Final = {
    "storages": {"storage_alias", "path", "encrypt_private_key"},
    "hsm": {
        *("library_path", "token", "token_serial", "slot", "uri", "protected_auth", "max_sessions", "serialise"),
    },
    "db": {"database"},
    "celery": {"peer", "alias", "queue", "deadline", "at_once", "message_key", "worker_keys"},
}
"""Options of key backends, by type."""
_ANYWHERE: Final = {
    *("location", "file_permissions_mode", "directory_permissions_mode", "deadline", "timeout", "port", "username"),
    *("known_hosts", "key_filename", "host_key"),
}
"""Options of storages, whatever their backend."""
_OF_S3: Final = {
    *("anon", "endpoint_url", "use_ssl", "region_name", "verify", "connect_timeout", "read_timeout"),
    *("max_attempts", "total_max_attempts", "mode", "signature_version", "addressing_style"),
}
"""Options of file systems of S3, also in tables below them."""
_PARAMETERS: Final = {
    *("sslmode", "sslrootcert", "sslcert", "sslkey", "connect_timeout", "application_name", "target_session_attrs"),
    *("host", "port", "user", "dbname", "mode", "cache"),
}
"""In the queries of URLs of databases."""
_PKCS11: Final = {
    *("token", "manufacturer", "serial", "model", "library-manufacturer", "library-version", "library-description"),
    *("slot-id", "slot-manufacturer", "slot-description", "module-path", "module-name", "object", "id", "type"),
}
"""Attributes of PKCS#11 URIs (RFC 7512) that hold no PIN; ``pin-source`` is one if it names a file."""
_WORKER: Final = {
    *("name", "message_key", "processes", "sign_once", "redelivery", "queue", "keys", "aliases", "ocsp_aliases"),
    *("may_create", "may_delete"),
}
"""Of the section ``worker``; its URLs hold passwords, and options of keys may be anything."""
_DESK: Final = {"url", "key_file", "idle", "session", "proxies", "approvals", "own"}
"""Of the section ``desk``; its other URLs hold passwords."""
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_USER: Final = re.compile(r"[\w.@+-]*")
"""Of a name and no password behind it."""
_ALIASES: Final = ("storages", "key_backends", "ocsp_key_backends", "wrappers")
_NAMES_A_PLACE: Final = re.compile(r"[\w.+/~:@-]*")
"""What the type of a backend, or the place of a storage, is written with."""


def masked(key: tuple[str, ...], value: Any, backend: str) -> Any:
    """A value of the settings as it may be shown: as it is, with parts masked, or masked.

    Args:
        key: Its path.
        value: No table.
        backend: What the alias has under ``backend``, if it is of one.
    """
    if isinstance(value, bool) or value is None or value == "prompt":
        return value
    if isinstance(value, list | dict) and not value:
        return value
    if key == ("database",):
        return mask_password(str(value))
    if key[0] == "worker":
        return value if key[-1] in _WORKER and "key_options" not in key else MASK
    if key[0] == "desk":
        return value if key[-1] in _DESK else MASK
    if key[0] not in _ALIASES:
        return value
    if key[-1] == "backend" and "options" not in key:
        return _place(str(value))
    return _option(key, value, backend)


def masked_values(key: tuple[str, ...], value: Any, backend: str) -> Iterator[str]:
    """The texts in a value that are masked when it is shown.

    Args:
        key: Its path.
        value: No table.
        backend: What the alias has under ``backend``, if it is of one.
    """
    shown = masked(key, value, backend)
    if shown == value:
        return
    text = str(value)
    yield text
    if isinstance(shown, str) and shown != MASK:  # parts of it were masked
        for part in re.split(r"[/?#&;=:@]", text):
            if part and part not in shown:
                yield part
                yield unquote(part)


def mask_password(url: str) -> str:
    """A URL of a database with its password masked, quoted or not; what is no URL is masked as a whole."""
    return _url(url, parameters=_PARAMETERS) if _URL.match(url) else MASK


def _option(key: tuple[str, ...], value: Any, backend: str) -> Any:
    name = key[-1]
    if key[0] == "storages":
        of_s3 = backend.startswith(("s3:", "s3a:")) and name in _OF_S3
        known = of_s3 or (name in _ANYWHERE and key[2:-1] == ("options",))
    else:
        known = (
            key[0] != "wrappers" and name in _KEYS_OF.get(backend.rpartition(":")[2], ()) and key[2:-1] == ("options",)
        )
    if not known:
        return MASK
    if not isinstance(value, str):
        return value if isinstance(value, int | float) else MASK
    if name == "username" and not _USER.fullmatch(value):
        return MASK
    if value.startswith("pkcs11:") or name == "uri":
        return _pkcs11(value)
    if name == "database":
        return mask_password(value)
    return _url(value) if _URL.search(value) else value


def _place(text: str) -> str:
    """The type of a backend, or a place as fsspec writes it."""
    if _URL.search(text):
        return _url(text)
    return text if _NAMES_A_PLACE.fullmatch(text) and "@" not in text else MASK


def _url(text: str, parameters: set[str] | None = None) -> str:
    """A URL without what may be a secret in it: passwords, users of HTTP, and parameters that are not known."""
    front, mark, query = text.partition("?")
    if not mark:
        front, mark, query = text.partition("#")
    front = re.sub(r"(://[^:/?#@]*:).*@", rf"\1{MASK}@", front, flags=re.DOTALL)
    front = re.sub(r"(https?://)[^/?#@]+@", rf"\1{MASK}@", front)
    if "@" in query and parameters is None:  # a ? in a password
        return re.sub(r"://.*", f"://{MASK}", text, flags=re.DOTALL)
    if "@" in query and ":" in front.partition("://")[2]:
        return re.sub(r"(://[^:/?#@]*:).*@", rf"\1{MASK}@", text, flags=re.DOTALL).partition("?")[0]
    parts = [_parameter(part, parameters or set()) for part in query.split("&")] if query else []
    return f"{front}{mark}{'&'.join(parts)}"


def _parameter(part: str, known: set[str]) -> str:
    name, mark, _ = part.partition("=")
    if name in known:
        return part
    return f"{name}={MASK}" if mark else MASK


def _pkcs11(text: str) -> str:
    """A PKCS#11 URI without PINs, and without parts that are not attributes of one."""
    scheme, colon, rest = text.partition(":")
    if scheme != "pkcs11" or not colon:
        return MASK
    path, mark, query = rest.partition("?")
    shown = ";".join(_attribute(part) for part in path.split(";")) if path else ""
    return f"{scheme}:{shown}{mark}{'&'.join(_attribute(part) for part in query.split('&')) if query else ''}"


def _attribute(part: str) -> str:
    name, mark, value = part.partition("=")
    if not mark:
        return MASK
    names_a_file = name == "pin-source" and re.match(r"(file:)?/", value)
    return part if name in _PKCS11 or names_a_file else f"{name}={MASK}"


def leaves(key: tuple[str, ...], value: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The values in a table and in those below it, with their paths; references and empty tables are values."""
    if isinstance(value, dict) and value and not is_secret_reference(value):
        for name, part in value.items():
            yield from leaves((*key, str(name)), part)
    elif isinstance(value, list) and any(isinstance(part, dict) for part in value) and key[0] in _ALIASES:
        yield key, [MASK for _ in value]
    else:
        yield key, value


def backend_of(settings: Mapping[str, Any], key: tuple[str, ...]) -> str:
    """What stands under ``backend`` in the alias that a path is of."""
    if key[0] not in _ALIASES or len(key) < len(("section", "alias", "key")):
        return ""
    entry = settings[key[0]].get(key[1])
    return str(entry.get("backend", "local")) if isinstance(entry, dict) else ""
