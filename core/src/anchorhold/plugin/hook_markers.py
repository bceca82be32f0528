"""The pluggy markers and the names by which backends and wrappers are found."""

from typing import Final

import pluggy

PROJECT: Final = "anchorhold"
BACKENDS_GROUP: Final = "anchorhold.backends"
"""Entry-point group of key backends: the name is the backend type, the value its class."""
WRAPPERS_GROUP: Final = "anchorhold.wrappers"
"""Entry-point group of wrappers: the name is what ``wrappers.<name>`` in the settings refers to."""
API_VERSION: Final = 1
"""Version of the plugin API. A class states the one it was written for as ``anchorhold_api``."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a method as the implementation of the hook of that name; ``hookimpl(wrapper=True)`` in a wrapper."""
