"""Profiles: what certificates for a purpose contain, and what of a request gets into them. No key is touched here."""

from anchorhold.profiles.built_in import BUILT_IN, find_default_profile, find_profile
from anchorhold.profiles.model import CopySettings, ExtensionSettings, PolicySettings, ProfileSettings

__all__ = [
    "BUILT_IN",
    "CopySettings",
    "ExtensionSettings",
    "PolicySettings",
    "ProfileSettings",
    "find_default_profile",
    "find_profile",
]
