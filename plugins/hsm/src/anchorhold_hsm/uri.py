"""PKCS#11 URIs (RFC 7512): which token, which key."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote_to_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEME: Final = "pkcs11:"
PATH_ATTRIBUTES: Final = (
    "token",
    "manufacturer",
    "serial",
    "model",
    "library-manufacturer",
    "library-version",
    "library-description",
    "object",
    "type",
    "id",
    "slot-manufacturer",
    "slot-description",
    "slot-id",
)
QUERY_ATTRIBUTES: Final = ("pin-source", "pin-value", "module-name", "module-path")
KEY_ATTRIBUTES: Final = ("object", "type", "id")
"""Those that name a key rather than a token."""

_PIN: Final = re.compile(r"pin-(value|source)=")
_ATTRIBUTE: Final = re.compile(r"([A-Za-z0-9_-]+)=((?:[^%#]|%[0-9A-Fa-f]{2})*)")
_SAFE_IN_PATH: Final = ":[]@!$'()*+,=&"
_SAFE_IN_QUERY: Final = ":[]@!$'()*+,=/?|"


@dataclass(frozen=True, slots=True)
class Pkcs11Uri:
    """A PKCS#11 URI, percent-decoded. Attributes that RFC 7512 does not name are a vendor's, and left out.

    Attributes:
        path: Attributes that say what is meant, by name; without ``id``.
        query: Attributes that say how to get there, by name.
        id: The CKA_ID that is meant; None if any is.
    """

    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    id: bytes | None = None

    @property
    def names_a_key(self) -> bool:
        """Whether it says more than which token is meant."""
        return self.id is not None or any(name in self.path for name in KEY_ATTRIBUTES)

    def __str__(self) -> str:
        path = [f"{name}={quote(value, safe=_SAFE_IN_PATH)}" for name, value in self.path.items()]
        if self.id is not None:
            path.append("id=" + "".join(f"%{octet:02X}" for octet in self.id))
        query = [f"{name}={quote(value, safe=_SAFE_IN_QUERY)}" for name, value in self.query.items()]
        return SCHEME + ";".join(path) + ("?" + "&".join(query) if query else "")


def parse_uri(text: str) -> Pkcs11Uri:
    """Read a PKCS#11 URI.

    Raises:
        ValueError: With a sentence that says what is wrong; a PIN in the URI is not part of it.
    """
    if not text.startswith(SCHEME):
        raise ValueError(f"a PKCS#11 URI begins with {SCHEME}")
    path_text, _, query_text = text.removeprefix(SCHEME).partition("?")
    path = _attributes(path_text, ";")
    query = _attributes(query_text, "&")
    _check_parts(path, query)
    identifier = path.pop("id", None)
    return Pkcs11Uri(
        path={name: _text(name, value) for name, value in path.items()},
        query={name: _text(name, value) for name, value in query.items()},
        id=identifier,
    )


def _attributes(text: str, separator: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for part in text.split(separator) if text else ():
        match = _ATTRIBUTE.fullmatch(part)
        if match is None:
            raise ValueError(f"{_shown(part.partition('=')[0])} of the PKCS#11 URI cannot be read")
        name, value = match.groups()
        if name in found:
            raise ValueError(f"{_shown(name)} is twice in the PKCS#11 URI")
        found[name] = unquote_to_bytes(value)
    return {name: value for name, value in found.items() if name in PATH_ATTRIBUTES + QUERY_ATTRIBUTES}


def _check_parts(path: Mapping[str, bytes], query: Mapping[str, bytes]) -> None:
    """Refuse an attribute in the wrong part: a PIN among what says which key is meant would be recorded with it."""
    misplaced = [name for name in path if name in QUERY_ATTRIBUTES] + [
        name for name in query if name in PATH_ATTRIBUTES
    ]
    if misplaced:
        raise ValueError(
            f"attribute {misplaced[0]!r} is in the wrong part of the PKCS#11 URI: {', '.join(QUERY_ATTRIBUTES)} stand "
            "after the ?, separated by &, and all others before it, separated by ;"
        )
    for name, value in (*path.items(), *query.items()):
        if _PIN.search(value.decode(errors="replace")):
            raise ValueError(
                f"attribute {name!r} of the PKCS#11 URI has another one in its value, which is about a PIN"
            )


def _shown(name: str) -> str:
    """An attribute, for a message: what has no known name may be the rest of a PIN with a separator in it."""
    return f"attribute {name!r}" if name in PATH_ATTRIBUTES + QUERY_ATTRIBUTES else "an attribute"


def _text(name: str, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise ValueError(f"attribute {name!r} of the PKCS#11 URI is not UTF-8") from None
