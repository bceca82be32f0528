"""The examples in the documentation of the hooks, put together: the backend of a stranger who copies them all."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from pydantic import BaseModel

from anchorhold.plugin import API_VERSION, Capabilities
from anchorhold.plugin.hookspecs import OPTIONAL_HOOKS, REQUIRED_HOOKS
from plugin.hook_example import example_of

HOOKS: Final = {hook: vars(example_of(hook))[hook] for hook in (*REQUIRED_HOOKS, *OPTIONAL_HOOKS, "sign_batch")}


class Together:
    """Each example forgets its keys with the instance; here instances of one place share them, as aliases do."""

    anchorhold_api = API_VERSION
    capabilities = Capabilities(key_types=("EC",), curves=("secp256r1",), hashes=("SHA-256",))
    places: ClassVar[dict[str, dict[str, Any]]] = {}

    class Options(BaseModel, extra="forbid"):
        """Options of the alias."""

        place: str

    def __init__(self, options: Options, context: object) -> None:
        self.keys = self.places.setdefault(options.place, {})


InMemory = type("InMemory", (Together,), HOOKS)
