"""What may stand in the settings file, section by section."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from anchorhold.x509.purposes import dotted

Alias = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")]
"""Lower-case letters, digits and single hyphens, because options and variables are made from it."""

KeyUsageName = Literal[
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
]
"""Bits of the key usage extension (RFC 5280, section 4.2.1.3)."""


def _known_purpose(name: str) -> str:
    dotted(name)
    return name


Purpose = Annotated[str, AfterValidator(_known_purpose)]


class Section(BaseModel):
    """What all sections share: unknown keys are errors, and nothing changes after it was read."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class StorageSettings(Section):
    """``storages.<alias>``: a place for files.

    Attributes:
        backend: ``local``, or an fsspec URL such as ``s3://bucket/folder``.
        options: For ``local``: ``location``, ``file_permissions_mode``, ``directory_permissions_mode``; else the
            options of that fsspec file system.
    """

    backend: str = "local"
    options: dict[str, Any] = {}


class AliasSettings(Section):
    """``key_backends.<alias>`` and ``ocsp_key_backends.<alias>``: one configured key backend.

    Attributes:
        backend: The backend type, the name of an entry point in ``anchorhold.backends``.
        options: Checked by the backend's own model.
    """

    backend: str
    options: dict[str, Any] = {}


class WrapperSettings(Section):
    """``wrappers.<name>``: an enabled wrapper; the first in the file is the outermost.

    Attributes:
        options: Checked by the wrapper's own model.
    """

    options: dict[str, Any] = {}


class ProfileSettings(Section):
    """``profiles.<name>``: what certificates for a purpose look like (RFC 5280, section 4.2).

    Attributes:
        description: One sentence.
        key_usage: Key usage; what a key of its type cannot do is left out.
        extended_key_usage: Names such as ``serverAuth`` or dotted object identifiers.
        ca: Whether the holder is an authority.
        path_length: Path length constraint, for authorities.
        days: Validity in days, shortened to the authority's own.
        names_required: Whether a subject alternative name must be given.
        ocsp_no_check: Whether id-pkix-ocsp-nocheck (RFC 6960, section 4.2.2.2.1) is added.
        revocation_urls: Whether CRL and AIA URLs of the authority are added.
    """

    description: str = ""
    key_usage: Annotated[tuple[KeyUsageName, ...], Field(min_length=1)] = ("digitalSignature", "keyEncipherment")
    extended_key_usage: tuple[Purpose, ...] = ()
    ca: bool = False
    path_length: Annotated[int, Field(ge=0)] | None = None
    days: Annotated[int, Field(ge=1)] = 90
    names_required: bool = False
    ocsp_no_check: bool = False
    revocation_urls: bool = True

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        """An authority signs certificates, and nobody else does (RFC 5280, sections 4.2.1.3 and 4.2.1.9)."""
        if self.ca != ("keyCertSign" in self.key_usage):
            raise ValueError("ca = true and the key usage keyCertSign go together")
        if self.path_length is not None and not self.ca:
            raise ValueError("path_length is for ca = true only")
        return self


class Settings(Section):
    """The whole file.

    Attributes:
        ca_dir: The folder of the ledger and, by default, of key files.
        database: URL of the ledger's database.
        storages: Places for files, by name.
        key_backends: Where keys of authorities live, by alias. A table in the file replaces the default one.
        ocsp_key_backends: Where keys of OCSP responders live, by alias.
        wrappers: Enabled wrappers, in order.
        profiles: Profiles in addition to the built-in ones, or in their place.
        default_profile: The profile used unless another is named.
    """

    ca_dir: Path
    database: str
    storages: dict[Alias, StorageSettings]
    key_backends: dict[Alias, AliasSettings]
    ocsp_key_backends: dict[Alias, AliasSettings]
    wrappers: dict[str, WrapperSettings] = {}
    profiles: dict[Alias, ProfileSettings] = {}
    default_profile: str = "webserver"
