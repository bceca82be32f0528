"""Faults of errors, options and questions."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from anchorhold import pkcs8
from anchorhold.errors import KeyMissingError
from anchorhold.plugin import API_VERSION, Capabilities, hookimpl
from contract.file_backend import FileBackend, FileOptions

if TYPE_CHECKING:
    from anchorhold.algorithms import Algorithm, KeySpec
    from anchorhold.plugin import AddOption, KeyRequest, Operation, Secret, Secrets, Signer


class BareExceptions(FileBackend):
    """Lets through what the file system raises."""

    def open(self, request: KeyRequest, secrets: Secrets) -> Any:
        content = json.loads(self.path_of(request).read_text())
        return pkcs8.load_private_key(self.unsealed(content, secrets), None, self.subject)


class BareExport(FileBackend):
    """Fails somehow when it is to hand out a key that is gone."""

    @hookimpl
    def export_key(self, request: KeyRequest, secrets: Secrets) -> Secret:
        if self.read(self.path_of(request)) is None:
            raise RuntimeError("no file")
        return super().export_key(request, secrets)


class OfAnotherRelease(FileBackend):
    """Was written for another version of the plugin API."""

    anchorhold_api = API_VERSION + 1


class MisspeltArgument(FileBackend):
    """Calls an argument otherwise than the specification."""

    @hookimpl
    def load_signer(self, request: KeyRequest, secret: Secrets) -> Signer:
        return super().load_signer(request, secret)


class NotImplementedYet(FileBackend):
    """Has a hook only to say that it has none."""

    @hookimpl
    def export_key(self, request: KeyRequest, secrets: Secrets) -> Secret:
        raise NotImplementedError


class AnswersNothing(FileBackend):
    """Does not say whether it has deleted a key."""

    @hookimpl
    def delete_key(self, request: KeyRequest, secrets: Secrets) -> Any:
        super().delete_key(request, secrets)


class _AllowsAnything(Capabilities):
    def check(self, subject: object, spec: KeySpec, algorithm: Algorithm | None = None) -> None:
        return


class DeclaresToAllowAnything(FileBackend):
    """Declares capabilities that allow what they do not list, so that core asks for it."""

    capabilities = _AllowsAnything(**asdict(FileBackend.capabilities))


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
