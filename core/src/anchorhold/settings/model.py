"""What may stand in the settings file, section by section."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo

from anchorhold.profiles import BUILT_IN, ProfileSettings
from anchorhold.secret import SecretReference
from anchorhold.section import Section

Alias = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")]
"""Lower-case letters, digits and single hyphens, because options and variables are made from it."""


class StorageSettings(Section):
    """``storages.<alias>``: a place for files.

    Attributes:
        backend: ``local``, ``local:///folder``, or an fsspec URL such as ``s3://bucket/folder``.
        options: For ``local``: ``location``, ``file_permissions_mode``, ``directory_permissions_mode``; else the
            options of that fsspec file system.
    """

    backend: str = "local"
    options: dict[str, Any] = Field(default_factory=dict)

    @property
    def folder(self) -> Path | None:
        """Where on this machine its files are; None if they are elsewhere, or the settings do not tell."""
        protocol, _, place = self.backend.partition("://")
        if protocol not in ("local", "file"):
            return None
        found = place or self.options.get("location")
        return Path(found).expanduser() if isinstance(found, str) else None


class AliasSettings(Section):
    """``key_backends.<alias>`` and ``ocsp_key_backends.<alias>``: one configured key backend.

    Attributes:
        backend: The backend type, the name of an entry point in ``anchorhold.backends``; with the name of its
            distribution before it, as in ``acme-keys:vault``, where two distributions offer one type.
        options: Checked by the backend's own model.
    """

    backend: str
    options: dict[str, Any] = Field(default_factory=dict)

    @property
    def backend_type(self) -> str:
        """The backend type alone."""
        return self.backend.rpartition(":")[2]


class WrapperSettings(Section):
    """``wrappers.<name>``: an enabled wrapper; the first in the file is the outermost.

    Attributes:
        options: Checked by the wrapper's own model.
    """

    options: dict[str, Any] = Field(default_factory=dict)


class OcspResponseSettings(Section):
    """``ocsp_responses``: where pre-signed OCSP responses are kept.

    Attributes:
        folder: Of `generate-ocsp-responses`; `maintain` and `revoke-cert` write there, too. None for nowhere.
    """

    folder: Path | None = None


def _for_leaves(name: str, info: ValidationInfo) -> str:
    """Refuse a profile that makes authorities; whether there is one of that name is found out when it is used."""
    profile = {**BUILT_IN, **info.data.get("profiles", {})}.get(name)
    if profile is not None and profile.ca:
        raise ValueError(f"the profile {name!r} makes authorities, so it is not for a default")
    return name


class Settings(Section):
    """The whole file.

    Attributes:
        ca_dir: The folder of the ledger and, by default, of key files.
        database: URL of the ledger's database, or a reference to one; `LoadedSettings.database_url` follows it.
        storages: Places for files, by name.
        key_backends: Where keys of authorities live, by alias. A table in the file replaces the default one.
        ocsp_key_backends: Where keys of OCSP responders live, by alias.
        ocsp_responses: Where pre-signed OCSP responses are kept.
        wrappers: Enabled wrappers, in order.
        worker: What a worker on this host lends to whom; checked by the distribution that offers the worker.
        desk: How the web page and the REST API are reached; checked by the distribution that offers them.
        profiles: Profiles in addition to the built-in ones, or in their place.
        default_profile: The profile used unless another is named.
    """

    ca_dir: Path
    database: Annotated[SecretReference, AfterValidator(SecretReference.unattended)]
    storages: dict[Alias, StorageSettings]
    key_backends: dict[Alias, AliasSettings]
    ocsp_key_backends: dict[Alias, AliasSettings]
    ocsp_responses: OcspResponseSettings = Field(default_factory=OcspResponseSettings)
    wrappers: dict[str, WrapperSettings] = Field(default_factory=dict)
    worker: dict[str, Any] = Field(default_factory=dict)
    desk: dict[str, Any] = Field(default_factory=dict)
    profiles: dict[Alias, ProfileSettings] = Field(default_factory=dict)
    default_profile: Annotated[str, AfterValidator(_for_leaves), Field(validate_default=True)] = "webserver"
