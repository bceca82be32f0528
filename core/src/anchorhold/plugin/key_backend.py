"""The typed face of one alias: the only code that calls hooks, and the checks on every answer."""

from __future__ import annotations

import time
from contextlib import nullcontext
from copy import copy
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from anchorhold.errors import (
    AnchorholdError,
    BackendBusyError,
    BackendContractError,
    DeadlineError,
    KeyMismatchError,
    KeyUnsupportedError,
    OperationUnsupportedError,
)
from anchorhold.plugin.answers import (
    fault_of_description,
    fault_of_export,
    fault_of_key,
    fault_of_list,
    fault_of_ocsp_store,
    fault_of_signer,
    is_signer_of,
)
from anchorhold.plugin.batch_signing import Outcome, sign_until_free, sign_within_wrappers
from anchorhold.plugin.blame import author_of, blaming, broken, failure, keep_interrupt, noting_changes, was_answered
from anchorhold.plugin.capabilities import Capabilities
from anchorhold.plugin.closing import BackendClosing
from anchorhold.plugin.inventory import KeyDescription
from anchorhold.plugin.requests import CreatedKey, KeyRequest, OcspStore
from anchorhold.plugin.retries import patience_end, retried
from anchorhold.public_keys import spec_of, spki
from anchorhold.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    import pluggy

    from anchorhold.audit import AuditContext
    from anchorhold.plugin.discovery import PluginIdentity
    from anchorhold.plugin.inventory import ListedKey
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
    from anchorhold.plugin.unresponsive import UnresponsiveAliases

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
        wrapped: Whether wrappers are bound with it.
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
        wrapped: bool,
        handle_version: int,
    ) -> None:
        self.alias = alias
        self.role = role
        self.identity = identity
        self.manager = manager
        self.options = options
        self.capabilities = capabilities or Capabilities()
        self.handle_version = handle_version
        self._wrapped = wrapped
        self.audit: AuditContext | None = None
        self.deadline: float | None = None
        self._closing = BackendClosing(identity, manager)
        self._asking: Callable[[], AbstractContextManager[None]] = nullcontext

    def acting_as(self, audit: AuditContext) -> KeyBackend:
        """The same backend; each request to it and to its wrappers says who acts."""
        same = copy(self)
        same.audit = audit
        return same

    def until(self, deadline: float | None) -> KeyBackend:
        """The same backend; each request to it has a deadline, by `time.monotonic`.

        After it, only keys are looked for and destroyed, so that what was begun can be taken back.
        """
        same = copy(self)
        same.deadline = deadline
        return same

    def asked_once(self, unresponsive: UnresponsiveAliases) -> KeyBackend:
        """The same backend; it is not asked again for a while when it was waited for and has failed."""
        same = copy(self)
        same._asking = partial(unresponsive.asking, self.role, self.alias)  # noqa: SLF001  # of the same class
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
                with blaming(self.identity, "check_place"):
                    found += map(str, check())
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
        created = self._call("create_key", CreatedKey, request=request, secrets=secrets)

        def fault(made: Any) -> str | None:
            if (problem := fault_of_key(made)) is not None:
                return problem
            kind = spec_of(made.public_key)
            return None if kind == request.spec else f"made a key of the kind {kind}, not {request.spec}"

        return self._without_fault("create_key", created, fault)

    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:
        """See `BackendSpec.load_signer`.

        Raises:
            KeyUnsupportedError: The handle is of a newer version than this backend reads.
            KeyMismatchError: The key is not the one the ledger has; the signer was closed.
            BackendContractError: The answer is not a signer.
        """
        signer: Any = self._call("load_signer", object, request=request, secrets=secrets)
        try:
            if (problem := fault_of_signer(signer)) is not None:
                raise self._spoilt("load_signer", problem, lambda lent: fault_of_signer(lent) is None)
            if spki(signer.public_key) != spki(request.public_key):
                owner = self._author_of("load_signer", lambda lent: is_signer_of(lent, request.public_key))
                raise KeyMismatchError(
                    f"{owner}: the private key found for {request.ca.name!r} does not belong to its certificate",
                    hint="restore the right key; nothing was signed",
                )
        except AnchorholdError:
            if callable(getattr(type(signer), "close", None)):
                self.close_signer(signer)
            raise
        return cast("Signer", signer)

    def close_signer(self, signer: Signer) -> None:
        """Give a signer back; a failure is a warning, because what it has signed stays signed."""
        try:
            signer.close()
        except BaseException as error:
            keep_interrupt(error)
            self._closing.warn("a signer", error)

    def close(self) -> bool:
        """Tell the backend that this process needs it no more (`BackendSpec.close_backend`); whether it was told."""
        return self._closing.close_backend()

    def sign(self, request: SignRequest, signer: Signer) -> bytes:
        """See `BackendSpec.sign`. The signature is not verified here."""
        asked, made = self._completed("sign", request), None
        try:
            with self._asking():
                made = self._guarded("sign", request=asked, signer=signer)  # core offers it
            if isinstance(made, bytes):
                return made
            raise self._of_another_type("sign", made, bytes)
        except AnchorholdError as error:
            if made is not None or (self._wrapped and was_answered()):
                self.reject(request, error.problem)
            raise

    def signs_in_memory(self, signer: Signer) -> bool:
        """Whether a signature exists in this process's memory alone until core hands it out: no wrapper sees it."""
        from anchorhold.software_keys import SoftwareSigner

        return type(signer) is SoftwareSigner and len(self.manager.hook.sign.get_hookimpls()) == 1  # that of core

    def reject(self, request: SignRequest, reason: str) -> None:
        """Tell plugins that a signature is thrown away; see `BackendSpec.rejected`."""
        if self.manager.hook.rejected.get_hookimpls():
            told = request if self.audit is None else replace(request, audit=self.audit)
            self.manager.hook.rejected(request=told, reason=reason)

    def author_of_signature(self, verifies: Callable[[bytes], bool]) -> PluginIdentity:
        """Who made the signature that this thread was given last: a wrapper that replaced it, or the backend."""
        return self._author_of("sign", lambda found: isinstance(found, bytes) and verifies(found))

    def sign_batch(self, requests: Sequence[SignRequest], signer: Signer) -> list[bytes | AnchorholdError]:
        """See `BackendSpec.sign_batch`. Each request passes the wrappers of `sign`; no signature is verified here."""
        asked = [self._completed("sign_batch", request) for request in requests]
        made: list[SignRequest] = []

        def sign(admitted: list[SignRequest]) -> Sequence[Outcome]:
            found = sign_until_free(admitted, partial(self._batch_answers, signer), ocsp=self.role == "ocsp")
            answers = [self._checked(answer) for answer in found]  # before wrappers could be blamed for them
            made.extend(each for each, answer in zip(admitted, answers, strict=True) if isinstance(answer, bytes))
            return answers

        with noting_changes():
            outcomes = [self._checked(each) for each in sign_within_wrappers(self.manager, asked, signer, sign)]
        for request, outcome in zip(asked, outcomes, strict=True):
            if isinstance(outcome, AnchorholdError) and any(request is each for each in made):
                self.reject(request, outcome.problem)
        return outcomes

    def ocsp_store(self) -> OcspStore:
        """See `BackendSpec.ocsp_store`."""
        return self._without_fault("ocsp_store", self._call("ocsp_store", OcspStore), fault_of_ocsp_store)

    def find_key(self, request: FindKeyRequest, secrets: Secrets) -> tuple[CreatedKey, ...]:
        """See `BackendSpec.find_key`."""
        found = self._call("find_key", tuple, request=request, secrets=secrets)
        return self._without_fault("find_key", found, lambda keys: next(filter(None, map(fault_of_key, keys)), None))

    def import_key(self, request: ImportKeyRequest, secrets: Secrets) -> CreatedKey:
        """See `BackendSpec.import_key`."""
        created = self._call("import_key", CreatedKey, request=request, secrets=secrets)
        return self._without_fault("import_key", created, fault_of_key)

    def export_key(self, request: KeyRequest, secrets: Secrets) -> Secret:
        """See `BackendSpec.export_key`; refuses handles as `load_signer` does.

        Raises:
            BackendContractError: What was exported is no PKCS#8, or another key.
        """
        exported = self._call("export_key", Secret, request=request, secrets=secrets)
        return self._without_fault("export_key", exported, lambda found: fault_of_export(found, request.public_key))

    def delete_key(self, request: KeyRequest, secrets: Secrets) -> bool:
        """See `BackendSpec.delete_key`; refuses handles as `load_signer` does."""
        return self._call("delete_key", bool, request=request, secrets=secrets)

    def list_keys(self, secrets: Secrets) -> tuple[ListedKey, ...]:
        """See `BackendSpec.list_keys`."""
        return self._without_fault("list_keys", self._call("list_keys", tuple, secrets=secrets), fault_of_list)

    def describe_key(self, request: KeyRequest, secrets: Secrets) -> KeyDescription:
        """See `BackendSpec.describe_key`; refuses handles as `load_signer` does."""
        described = self._call("describe_key", KeyDescription, request=request, secrets=secrets)
        return self._without_fault("describe_key", described, fault_of_description)

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
        with self._asking():
            begun = time.monotonic()
            try:
                return self._answer(hook, answer, **arguments)
            except BackendBusyError as busy:
                end = patience_end(begun, self.deadline, ocsp=self.role == "ocsp")
                return retried(lambda: self._answer(hook, answer, **arguments), busy, end)

    def _answer(self, hook: str, answer: type[T], **arguments: Any) -> T:
        completed = self._completed(hook, arguments.get("request"))
        if completed is not None:
            arguments["request"] = completed
        value = self._guarded(hook, **arguments)
        if value is not None and isinstance(value, answer):
            return value
        raise self._of_another_type(hook, value, answer)

    def _completed(self, hook: str, request: R) -> R:
        """A request with what the caller of the installation has added.

        Raises:
            DeadlineError: It is too late.
        """
        added: dict[str, Any] = {}
        if self.audit is not None and request is not None and request.audit is not self.audit:
            added["audit"] = self.audit
        if self.deadline is not None:
            if time.monotonic() < self.deadline:
                added["deadline"] = self.deadline
            elif hook not in _TAKING_BACK:
                raise DeadlineError(
                    f"{self.identity}: was not asked to {hook}, because the time is over", hint="allow more time"
                )
        return replace(request, **added) if added and request is not None else request

    def _batch_answers(self, signer: Signer, requests: list[SignRequest]) -> Sequence[Outcome]:
        try:
            answers: Any = self._guarded("sign_batch", requests=requests, signer=signer)
        except AnchorholdError as error:
            return [error] * len(requests)
        if not isinstance(answers, list) or len(answers) != len(requests):
            raise broken(self.identity, "sign_batch did not return a list with an answer for each request")
        return answers

    def _checked(self, outcome: object) -> bytes | AnchorholdError:
        """An outcome of the hook `sign`, as `_answer` would return or raise it."""
        if isinstance(outcome, bytes | AnchorholdError):
            return outcome
        if isinstance(outcome, Exception):
            error = failure(self.identity, "sign_batch", outcome)
            error.__cause__ = outcome
            return error
        return broken(self.identity, f"sign_batch returned a {type(outcome).__name__}, not bytes")

    def _guarded(self, hook: str, **arguments: Any) -> Any:
        """Call a hook; what its plugins raise names the one that did it."""
        with noting_changes() if self._wrapped else nullcontext():
            try:
                return getattr(self.manager.hook, hook)(**arguments)
            except AnchorholdError:  # also those that name a wrapper
                raise
            except BaseException as error:
                keep_interrupt(error)
                raise failure(self.identity, hook, error) from error

    def _without_fault(self, hook: str, value: T, fault: Callable[[T], str | None]) -> T:
        """An answer that has no fault.

        Raises:
            BackendContractError: It has one; the wrapper that replaced a good answer is named, else the backend.
        """
        problem = fault(value)
        if problem is None:
            return value
        raise self._spoilt(hook, problem, lambda found: fault(found) is None)

    def _of_another_type(self, hook: str, value: object, answer: type[Any]) -> BackendContractError:
        problem = f"returned {type(value).__name__}, not {answer.__name__}"
        return self._spoilt(hook, problem, lambda found: found is not None and isinstance(found, answer))

    def _spoilt(self, hook: str, problem: str, is_good: Callable[[Any], bool]) -> BackendContractError:
        """The error for an answer with a fault."""
        return broken(self._author_of(hook, is_good), f"{hook} {problem}")

    def _author_of(self, hook: str, is_good: Callable[[Any], bool]) -> PluginIdentity:
        """Who made the bad answer that this thread was given last."""
        return author_of(hook, self.identity, is_good) if self._wrapped else self.identity
