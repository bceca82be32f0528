"""Faults of errors, options and questions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from anchorhold import pkcs8
from anchorhold.errors import KeyMissingError
from anchorhold.seam import hookimpl
from contract.file_backend import FileBackend, FileOptions

if TYPE_CHECKING:
    from anchorhold.seam import AddOption, KeyRequest, Operation, Secrets, Signer


class BareExceptions(FileBackend):
    """Lets through what the file system raises."""

    def open(self, request: KeyRequest, secrets: Secrets) -> Any:
        content = json.loads(self.path_of(request).read_text())
        return pkcs8.load_private_key(self.unsealed(content, secrets), None, self.subject)


class NoHint(FileBackend):
    """Says what is wrong, and not what to do."""

    def open(self, request: KeyRequest, secrets: Secrets) -> Any:
        if self.read(self.path_of(request)) is None:
            raise KeyMissingError(f"{self.subject}: the key is gone", hint="")
        return super().open(request, secrets)


class _AnyOptions(FileOptions):
    model_config = ConfigDict(extra="allow")


class _LooseOptions(FileOptions):
    mode: Any = None


class TakesUnknownOptions(FileBackend):
    """Ignores options that it does not know."""

    Options: type[BaseModel] = _AnyOptions


class TakesAnyValue(FileBackend):
    """Has an option whose values nobody checks."""

    Options: type[BaseModel] = _LooseOptions


class TakesAFlagOfCore(FileBackend):
    """Adds an option with a name that a command has already."""

    @hookimpl
    def add_cli_options(self, add: AddOption, operation: Operation) -> None:
        super().add_cli_options(add, operation)
        if operation == "create":
            add("path-length", help="How deep the folder of the key is.", scope="key", default="1")


class BadOptionName(FileBackend):
    """Spells an option as Python does."""

    @hookimpl
    def add_cli_options(self, add: AddOption, operation: Operation) -> None:
        super().add_cli_options(add, operation)
        if operation == "adopt":
            add("File_Mode", help="Mode of the file.", scope="key")


class AsksInOcspStore(FileBackend):
    """Asks a person before it signs an OCSP response."""

    @hookimpl
    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:
        if request.role == "ocsp":
            input("Really sign? ")
        return super().load_signer(request, secrets)
