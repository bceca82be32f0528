"""Settings: one TOML file, found in a fixed order, with defaults that work when there is none."""

from anchorhold.settings.load import LoadedSettings, load_settings
from anchorhold.settings.model import AliasSettings, Settings, StorageSettings, WrapperSettings

__all__ = [
    "AliasSettings",
    "LoadedSettings",
    "Settings",
    "StorageSettings",
    "WrapperSettings",
    "load_settings",
]
