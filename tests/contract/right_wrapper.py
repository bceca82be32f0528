"""A wrapper with nothing wrong: a policy for names, which also counts what every hook is asked for."""

from __future__ import annotations

from collections import Counter
from threading import Lock
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from anchorhold.errors import RefusedError
from anchorhold.plugin import API_VERSION, hookimpl

if TYPE_CHECKING:
    from anchorhold.plugin import (
        CreatedKey,
        CreateKeyRequest,
        FindKeyRequest,
        ImportKeyRequest,
        KeyRequest,
        OcspStore,
        Secret,
        Secrets,
        Signer,
        SignRequest,
        WrapperContext,
        Wrapping,
    )


class RightOptions(BaseModel):
    """``wrappers.<name>.options``."""

    model_config = ConfigDict(extra="forbid")

    suffix: str = ".example.com"


class RightWrapper:
    """Refuses names outside of a suffix."""

    anchorhold_api = API_VERSION
    Options: type[BaseModel] = RightOptions

    def __init__(self, options: Any, context: WrapperContext) -> None:
        self.suffix = options.suffix
        self.context = context
        self.counted: Counter[str] = Counter()
        self.lock = Lock()

    def count(self, what: str) -> None:
        """Count one call."""
        with self.lock:
            self.counted[what] += 1

    def judge(self, request: SignRequest) -> None:
        """Raise for what must not be signed."""
        for name in request.draft.dns_names if request.draft is not None else ():
            if not name.endswith(self.suffix):
                raise RefusedError(f"names: {name} is outside {self.suffix}", hint="leave it out")

    @hookimpl(wrapper=True)
    def sign(self, request: SignRequest, signer: Signer) -> Wrapping[bytes]:
        self.judge(request)
        self.count(request.purpose)
        return (yield)

    @hookimpl(wrapper=True)
    def create_key(self, request: CreateKeyRequest, secrets: Secrets) -> Wrapping[CreatedKey]:
        self.count("create_key")
        return (yield)

    @hookimpl(wrapper=True)
    def load_signer(self, request: KeyRequest) -> Wrapping[Signer]:
        self.count("load_signer")
        return (yield)

    @hookimpl(wrapper=True)
    def ocsp_store(self) -> Wrapping[OcspStore]:
        self.count("ocsp_store")
        return (yield)

    @hookimpl(wrapper=True)
    def find_key(self, request: FindKeyRequest) -> Wrapping[tuple[CreatedKey, ...]]:
        self.count("find_key")
        return (yield)

    @hookimpl(wrapper=True)
    def import_key(self, request: ImportKeyRequest, secrets: Secrets) -> Wrapping[CreatedKey]:
        self.count("import_key")
        return (yield)

    @hookimpl(wrapper=True)
    def export_key(self, request: KeyRequest) -> Wrapping[Secret]:
        self.count("export_key")
        return (yield)

    @hookimpl(wrapper=True)
    def delete_key(self, request: KeyRequest) -> Wrapping[bool]:
        self.count("delete_key")
        return (yield)
