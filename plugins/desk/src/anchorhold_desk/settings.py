"""The section ``desk`` of the settings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator

from anchorhold.databases import file_of
from anchorhold.errors import SettingsError
from anchorhold.plugin import DurationIn, SecretReference, anchored
from anchorhold.settings.validation_errors import first_error

if TYPE_CHECKING:
    from anchorhold.installation import Installation

DATABASE: Final = "desk.sqlite3"
KEY_FILE: Final = "desk.key"
"""Beside the ledger, where that is a file."""


class Section(BaseModel):
    """Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)


class ApprovalRules(Section):
    """``desk.authorities.<name>``: what a request for a certificate of an authority needs.

    Attributes:
        approvals: How many people have to approve it; with 0, it is signed as soon as it is submitted.
        own: Whether the one who has submitted it may be one of them.
    """

    approvals: Annotated[int, Field(ge=0, le=9)] = 1
    own: bool = False


class DeskSettings(Section):
    """``desk``.

    Attributes:
        url: Under which people reach it, such as ``https://desk.example.com``; links, cookies and the check of where a
            request came from are made from it, never from what a request says.
        database: URL of the database with accounts, or a reference to one; by default the ledger's server, or a file
            beside the ledger.
        key_file: File with the key that second factors are encrypted with; by default in the folder of the ledger.
        idle: How long a session lasts without a request.
        session: How long it lasts in any case.
        proxies: Addresses of the proxies in front, whose ``X-Forwarded-For`` is believed.
        authorities: Rules by name of authority; for others, one person approves who has not submitted it.
    """

    url: str
    database: Annotated[SecretReference, AfterValidator(SecretReference.unattended)] | None = None
    key_file: Path | None = None
    idle: Annotated[int, Field(ge=60, le=86_400), DurationIn("s")] = 1800
    session: Annotated[int, Field(ge=300, le=7 * 86_400), DurationIn("s")] = 12 * 3600
    proxies: tuple[str, ...] = ()
    authorities: dict[str, ApprovalRules] = Field(default_factory=dict)

    @field_validator("url")
    @classmethod
    def _is_origin(cls, url: str) -> str:
        """An origin (RFC 6454): scheme, host and perhaps port, without a path."""
        scheme, separator, host = url.partition("://")
        if scheme not in ("http", "https") or not separator or not host or set(host) & set("/?#@ "):
            raise ValueError("is no origin; write it as https://desk.example.com")
        return url.lower()

    def rules(self, authority: str) -> ApprovalRules:
        """What a request for a certificate of that authority needs."""
        return self.authorities.get(authority, ApprovalRules())

    @property
    def is_https(self) -> bool:
        """Whether people reach it by HTTPS."""
        return self.url.startswith("https://")


def desk_settings(installation: Installation) -> DeskSettings:
    """The section ``desk`` of an installation, with absolute paths.

    Raises:
        SettingsError: It is not there, or wrong.
    """
    loaded = installation.loaded
    where, given = str(loaded.path or "settings"), loaded.settings.desk
    if not given:
        raise SettingsError(f"{where}: has no section desk", hint="write one with the URL under which it is reached")
    try:
        return DeskSettings.model_validate(anchored(DeskSettings, given, loaded.folder, "desk"))
    except ValidationError as error:
        raise first_error(error, DeskSettings, where, prefix=["desk"]) from None


def database_url(installation: Installation, settings: DeskSettings) -> str:
    """The URL of the database with accounts. It must not be shown, for it may hold a password.

    Raises:
        SettingsError: What it refers to is not there.
    """
    if settings.database is not None:
        return settings.database.require(os.environ, "desk.database").reveal()
    ledger = installation.access.url
    file = file_of(ledger)
    return ledger if file is None else f"sqlite:///{file.with_name(DATABASE)}"


def key_file(installation: Installation, settings: DeskSettings) -> Path:
    """The file with the key that second factors are encrypted with."""
    return settings.key_file or installation.loaded.settings.ca_dir / KEY_FILE
