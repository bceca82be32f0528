"""What may stand in the settings for this backend."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict

from anchorhold.plugin import SecretReference

_EXPECTED: Final = "write sqlite:////absolute/path.sqlite3 (four slashes) or postgresql://user:password@host/name"


def check_url(url: str) -> str:
    """The URL of a database, if it is one that can be used; a relative path would depend on who runs the command.

    Raises:
        ValueError: With a sentence that does not show the URL, for it may hold a password.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError(_EXPECTED) from None
    if parts.scheme == "sqlite":
        absolute = url.startswith("sqlite:////") and url.strip("/") != "sqlite:"
    else:
        # An unquoted / in a password ends the address early; the rest would be taken for the name and be shown.
        absolute = parts.scheme in ("postgresql", "postgres") and "@" not in parts.path
    if not absolute:
        raise ValueError(_EXPECTED)
    return url


def _check_reference(reference: SecretReference) -> SecretReference:
    literal = reference.unattended().literal
    if literal is not None:
        check_url(literal.reveal())
    return reference


class Options(BaseModel):
    """``key_backends.<alias>.options`` and ``ocsp_key_backends.<alias>.options``.

    Attributes:
        database: The database for the keys, by URL or a reference to one; without it the ledger's.
        encryption_key: Seals every key of the alias in addition to its own password, if it has one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    database: Annotated[SecretReference, AfterValidator(_check_reference)] | None = None
    encryption_key: SecretReference | None = None
