"""What the settings leave unsaid about key backends, filled in from what is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from anchorhold.settings.model import AliasSettings

if TYPE_CHECKING:
    from collections.abc import Collection

    from anchorhold.settings.model import Settings

WITHOUT_OPTIONS: Final = ("storages", "db")
"""Backend types that work without any settings, the preferred one first."""


def first_installed(installed: Collection[str]) -> str | None:
    """The backend type for an alias that nobody has configured; None if none works without settings."""
    return next((name for name in WITHOUT_OPTIONS if name in installed), None)


def ocsp_aliases(settings: Settings, installed: Collection[str]) -> dict[str, AliasSettings]:
    """The aliases for keys of OCSP responders where no section of the settings has any.

    Files by preference; else the ledger; else where the keys of authorities are, whose options serve both.

    Args:
        settings: In force.
        installed: Names of backend types.
    """
    implied = settings.ocsp_key_backends
    preferred = first_installed(installed)
    if preferred == "storages":
        return implied
    if preferred is not None:
        return {alias: AliasSettings(backend=preferred) for alias in implied}
    of_authorities = [alias for alias in settings.key_backends.values() if alias.backend_type in installed]
    return dict.fromkeys(implied, of_authorities[0]) if of_authorities else implied
