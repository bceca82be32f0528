"""The typed face of one alias: the only code that calls hooks, and the checks on every answer."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from copy import copy
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from anchorhold.errors import (
    AnchorholdError,
    BackendBusyError,
    BackendContractError,
    BackendFailedError,
    DeadlineError,
    KeyMismatchError,
    KeyUnsupportedError,
    OperationUnsupportedError,
)
from anchorhold.plugin.batch_signing import Outcome, sign_within_wrappers
from anchorhold.plugin.capabilities import Capabilities
from anchorhold.plugin.closing import BackendClosing
from anchorhold.plugin.requests import CreatedKey, KeyHandle, KeyRequest, OcspStore
from anchorhold.plugin.retries import patience_end, retried
from anchorhold.public_keys import spec_of, spki
from anchorhold.remedy import Remedy
from anchorhold.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pluggy

    from anchorhold.audit import AuditContext
    from anchorhold.plugin.discovery import PluginIdentity
    from anchorhold.plugin.requests import (
        AddOption,
        CreateKeyRequest,
        FindKeyRequest,
        ImportKeyRequest,
        Operation,
        Role,
        Secrets,
        Signer,
        SignRequest,
    )

T = TypeVar("T")
R = TypeVar("R", bound=Any)

_TAKING_BACK: Final = ("find_key", "delete_key")
"""Hooks that are called after the deadline, too."""


class KeyBackend:
    """A configured key backend, ready for use.

    Args:
        alias: The name it is configured under.
        role: What its keys are for.
        identity: Who it is, for messages.
        manager: From `anchorhold.plugin.binding.bind`.
        options: The validated options model, or None if the class has none.
        capabilities: The upper bound its class declares.
        handle_version: The newest version of handles that its class declares to read.
    """

    def __init__(
        self,
        *,
        alias: str,
        role: Role,
        identity: PluginIdentity,
        manager: pluggy.PluginManager,
        options: Any,
        capabilities: Capabilities | None,
        handle_version: int,
    ) -> None:
        self.alias = alias
        self.role = role
        self.identity = identity
        self.manager = manager
        self.options = options
        self.capabilities = capabilities or Capabilities()
        self.handle_version = handle_version
        self._audit: AuditContext | None = None
        self._deadline: float | None = None
        self._closing = BackendClosing(identity, manager)

    def acting_as(self, audit: AuditContext) -> KeyBackend:
        """The same backend; each request to it and to its wrappers says who acts."""
        same = copy(self)
        same._audit = audit  # noqa: SLF001  # of the same class
        return same

    def until(self, deadline: float | None) -> KeyBackend:
        """The same backend; each request to it has a deadline, by `time.monotonic`.

        After it, only keys are looked for and destroyed, so that what was begun can be taken back.
        """
        same = copy(self)
        same._deadline = deadline  # noqa: SLF001  # of the same class
        return same

    def __repr__(self) -> str:
        return f"<{self.identity}>"

    def supports(self, hook: str) -> bool:
        """Whether the backend implements that optional hook."""
        return any(not found.wrapper for found in getattr(self.manager.hook, hook).get_hookimpls())

    def check_place(self) -> tuple[str, ...]:
        """What a backend finds out about the place of its keys without a secret, if it has a method of that name.

        Returns:
            What could not be checked, in sentences.

        Raises:
            AnchorholdError: No key can be used there.
        """
        found: list[str] = []
        for plugin in self.manager.get_plugins():
            check = getattr(plugin, "check_place", None)
            if callable(check):
                found += check()
        return tuple(found)

    def add_cli_options(self, add: AddOption, operation: Operation) -> None:
        """Let the backend add its options; see `BackendSpec.add_cli_options`."""
        self._guarded("add_cli_options", add=add, operation=operation)

    def create_key(self, request: CreateKeyRequest, secrets: Secrets) -> CreatedKey:
        """See `BackendSpec.create_key`.

        Raises:
            BackendContractError: The answer is not what the plugin API promises.
            KeyUnsupportedError: Beyond the declared capabilities.
        """
        self.capabilities.check(self.identity, request.spec)
        created = self._created("create_key", self._call("create_key", CreatedKey, request=request, secrets=secrets))
        if spec_of(created.public_key) != request.spec:
            raise self._broken(
                "create_key", f"made a key of the kind {spec_of(created.public_key)}, not {request.spec}"
            )
        return created

    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:
        """See `BackendSpec.load_signer`.

        Raises:
            KeyUnsupportedError: The handle is of a newer version than this backend reads.
            KeyMismatchError: The key is not the one the ledger has; the signer was closed.
            BackendContractError: The answer is not a signer.
        """
        signer: Any = self._call("load_signer", object, request=request, secrets=secrets)
        if not all(hasattr(signer, name) for name in ("public_key", "sign", "close")):
            raise self._broken("load_signer", f"returned a {type(signer).__name__}, not a signer")
        if not self._is_public_key(signer.public_key):
            self.close_signer(signer)
            raise self._broken("load_signer", "returned a signer without a usable public key")
        if spki(signer.public_key) != spki(request.public_key):
            self.close_signer(signer)
            raise KeyMismatchError(
                f"{self.identity}: the private key found for {request.ca.name!r} does not belong to its certificate",
                hint="restore the right key; nothing was signed",
            )
        return cast("Signer", signer)

    def close_signer(self, signer: Signer) -> None:
        """Give a signer back; a failure is a warning, because what it has signed stays signed."""
        self._closing.close_signer(signer)

    def close(self) -> bool:
        """Tell the backend that this process needs it no more; see `BackendSpec.close_backend`.

        Returns:
            Whether it was told, now or before, and so is of no use any more.
        """
        return self._closing.close_backend()

    def sign(self, request: SignRequest, signer: Signer) -> bytes:
        """See `BackendSpec.sign`. The signature is not verified here."""
        return self._answer("sign", bytes, request=request, signer=signer)  # core offers it

    def sign_batch(self, requests: Sequence[SignRequest], signer: Signer) -> list[bytes | AnchorholdError]:
        """See `BackendSpec.sign_batch`. Each request passes the wrappers of `sign`; no signature is verified here.

        Returns:
            For each request its signature, or why there is none.
        """
        asked = [self._completed("sign_batch", request) for request in requests]
        outcomes = sign_within_wrappers(self.manager, asked, signer, partial(self._signed_at_once, signer))
        return [self._checked(outcome) for outcome in outcomes]

    def ocsp_store(self) -> OcspStore:
        """See `BackendSpec.ocsp_store`."""
        return self._call("ocsp_store", OcspStore)

    def find_key(self, request: FindKeyRequest, secrets: Secrets) -> tuple[CreatedKey, ...]:
        """See `BackendSpec.find_key`."""
        found = self._call("find_key", tuple, request=request, secrets=secrets)
        return tuple(self._created("find_key", key) for key in found)

    def import_key(self, request: ImportKeyRequest, secrets: Secrets) -> CreatedKey:
        """See `BackendSpec.import_key`."""
        return self._created("import_key", self._call("import_key", CreatedKey, request=request, secrets=secrets))

    def export_key(self, request: KeyRequest, secrets: Secrets) -> Secret:
        """See `BackendSpec.export_key`; refuses handles as `load_signer` does."""
        return self._call("export_key", Secret, request=request, secrets=secrets)

    def delete_key(self, request: KeyRequest, secrets: Secrets) -> bool:
        """See `BackendSpec.delete_key`; refuses handles as `load_signer` does."""
        return self._call("delete_key", bool, request=request, secrets=secrets)

    def _check_readable(self, request: KeyRequest) -> None:
        """What an older release makes of a newer handle may be another key, or the wrong one to destroy."""
        version = request.handle.version
        if version > self.handle_version:
            distribution = self.identity.plugin.distribution.split()[0]
            raise KeyUnsupportedError(
                f"{self.identity}: the key of {request.ca.name!r} was recorded by a newer release of {distribution}"
                f" (handle version {version}; this one reads up to {self.handle_version})",
                hint=f"upgrade {distribution}",
            )

    def _call(self, hook: str, answer: type[T], **arguments: Any) -> T:
        if not self.supports(hook):
            raise OperationUnsupportedError(
                f"{self.identity}: does not offer the operation {hook}", hint="use a backend that does"
            )
        if isinstance(request := arguments.get("request"), KeyRequest):
            self._check_readable(request)
        end = patience_end(self._deadline, ocsp=self.role == "ocsp")
        return retried(lambda: self._answer(hook, answer, **arguments), end)

    def _answer(self, hook: str, answer: type[T], **arguments: Any) -> T:
        request = arguments.get("request")
        if request is not None:
            arguments["request"] = self._completed(hook, request)
        value = self._guarded(hook, **arguments)
        if value is None or not isinstance(value, answer):
            raise self._broken(hook, f"returned {type(value).__name__}, not {answer.__name__}")
        return value

    def _completed(self, hook: str, request: R) -> R:
        """A request with what the caller of the installation has added.

        Raises:
            DeadlineError: It is too late.
        """
        added: dict[str, Any] = {} if self._audit is None else {"audit": self._audit}
        if self._deadline is not None:
            if time.monotonic() < self._deadline:
                added["deadline"] = self._deadline
            elif hook not in _TAKING_BACK:
                raise DeadlineError(
                    f"{self.identity}: was not asked to {hook}, because the time is over", hint="allow more time"
                )
        return replace(request, **added) if added else request

    def _signed_at_once(self, signer: Signer, requests: list[SignRequest]) -> Sequence[Outcome]:
        """The answers of the hook `sign_batch`; those that found the backend busy are asked for again."""
        answers: list[Outcome] = [BackendBusyError("", hint="")] * len(requests)
        busy = list(range(len(requests)))

        def attempt() -> None:
            asked = [requests[number] for number in busy]
            for number, answer in zip(tuple(busy), self._batch_answers(asked, signer), strict=True):
                answers[number] = answer
            busy[:] = [number for number in busy if isinstance(answers[number], BackendBusyError)]
            if busy:
                raise cast("BackendBusyError", answers[busy[0]])

        if requests:
            with suppress(BackendBusyError):  # it is among the answers
                retried(attempt, patience_end(requests[0].deadline, ocsp=self.role == "ocsp"))
        return answers

    def _batch_answers(self, requests: list[SignRequest], signer: Signer) -> Sequence[Outcome]:
        try:
            answers: Any = self._guarded("sign_batch", requests=requests, signer=signer)
        except AnchorholdError as error:
            return [error] * len(requests)
        if not isinstance(answers, list) or len(answers) != len(requests):
            raise self._broken("sign_batch", "did not return a list with an answer for each request")
        return answers

    def _checked(self, outcome: object) -> bytes | AnchorholdError:
        """An outcome of the hook `sign`, as `_answer` would return or raise it."""
        if isinstance(outcome, bytes | AnchorholdError):
            return outcome
        if isinstance(outcome, Exception):
            return self._failed("sign", outcome)
        return self._broken("sign", f"returned {type(outcome).__name__}, not bytes")

    def _guarded(self, hook: str, **arguments: Any) -> Any:
        try:
            return getattr(self.manager.hook, hook)(**arguments)
        except AnchorholdError:
            raise
        except Exception as error:
            raise self._failed(hook, error) from error

    def _created(self, hook: str, created: Any) -> CreatedKey:
        if not isinstance(created, CreatedKey) or not isinstance(created.handle, KeyHandle):
            raise self._broken(hook, "did not return a CreatedKey with a KeyHandle")
        if not self._is_public_key(created.public_key):
            raise self._broken(hook, "returned no public key that can be used")
        data = created.handle.data
        try:
            survives = json.loads(json.dumps(dict(data), allow_nan=False)) == data
        except (TypeError, ValueError):
            survives = False
        if not survives:
            raise self._broken(hook, "returned a handle that is not JSON")
        return created

    @staticmethod
    def _is_public_key(key: object) -> bool:
        try:
            spec_of(key)
        except KeyUnsupportedError:
            return False
        return True

    @property
    def _who(self) -> str:
        """The backend and the wrappers around it; from outside it is unknown which of them failed."""
        names = [name for name, _ in self.manager.list_name_plugin() if name.startswith("wrapper ")]
        return f"{self.identity}{', inside ' + ' and '.join(reversed(names)) if names else ''}"

    def _failed(self, hook: str, cause: Exception) -> BackendFailedError:
        error = BackendFailedError(
            f"{self._who}: {hook} failed ({type(cause).__name__})",
            hint="correct your environment, or report this to the author of the backend; the cause has details",
            remedy=Remedy("diagnostics.show_cause"),
        )
        error.__cause__ = cause
        return error

    def _broken(self, hook: str, what: str) -> BackendContractError:
        return BackendContractError(f"{self._who}: {hook} {what}", hint="report this to the author of the backend")
