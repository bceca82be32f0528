"""Rules of refusing: errors that help, hooks that are not there, kinds of keys that are not offered."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from anchorhold.errors import AnchorholdError, OperationUnsupportedError
from anchorhold.plugin import CreateKeyRequest, hookimpl
from anchorhold.plugin.backend_options import options_of
from anchorhold.plugin.hookspecs import OPTIONAL_HOOKS
from anchorhold.testing.error_cases import error_cases, unreachable, unsupported
from anchorhold.testing.fixtures import ContractFixtures, new_id
from anchorhold.testing.foreign_keys import foreign_key
from anchorhold.testing.harness import authority_of
from anchorhold.testing.key_kinds import algorithms, key_kinds, unsupported_kinds
from anchorhold.testing.rules import UnmetError, expect, rule
from anchorhold.testing.time_limit import limited

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from anchorhold.algorithms import KeySpec
    from anchorhold.plugin import CreatedKey, Wrapping
    from anchorhold.testing.error_cases import ErrorCase
    from anchorhold.testing.harness import Harness
    from anchorhold.testing.secret_values import SecretValues

LOOKING: Final = ("list_keys", "describe_key")
"""Hooks that a place which cannot be looked at refuses, as their documentation says."""


class ErrorRules(ContractFixtures):
    """What a backend does when it does not do what it was asked."""

    @rule("errors.types")
    def test_errors_are_of_the_documented_types(
        self, harness: Harness, vanish: Callable[[CreatedKey], None], wrong: SecretValues
    ) -> None:
        """Callers react to the type, and scripts to its exit code; that anything is raised is demanded elsewhere."""
        for trouble in error_cases(harness, vanish, wrong):
            error = trouble.error()
            if error is not None:
                _check_type(trouble, error)

    @rule("errors.hint")
    def test_errors_say_what_to_do(
        self, harness: Harness, vanish: Callable[[CreatedKey], None], wrong: SecretValues
    ) -> None:
        """One sentence with its subject, and a hint."""
        for trouble in error_cases(harness, vanish, wrong):
            _check_words(trouble, trouble.error())

    @rule("errors.unreachable")
    def test_a_place_that_cannot_be_reached_is_an_error(self, harness: Harness) -> None:
        """Otherwise a key would be taken for lost, and created again."""
        nowhere = self.alias(harness, "nowhere")
        for trouble in unreachable(nowhere, harness.create()):
            with limited(self.unreachable_within, trouble.name):
                _check_refused(trouble)

    @rule("hooks.missing")
    def test_every_hook_answers_or_is_refused(self, harness: Harness, note: Callable[[str], None]) -> None:
        """So what a backend cannot do is known, and no surprise."""
        offered = [hook for hook in OPTIONAL_HOOKS if self.offers_hook(harness, hook, note)]
        note(f"{self.backend}: offers {', '.join(offered) or 'no optional hook'}")
        for line in _about_secrets(harness):
            note(f"{self.backend}: {line}")
        calls = _calls(harness)
        for hook in offered:
            try:
                answer = calls[hook]()
            except (NotImplementedError, OperationUnsupportedError) as error:
                if hook in LOOKING and isinstance(error, OperationUnsupportedError):
                    note(f"{self.backend}: {hook} depends on the place, and this one is not looked at")
                    continue
                raise UnmetError(
                    f"{hook} is implemented and does nothing ({type(error).__name__}); leave it out"
                ) from error
            expect(answer is not None, f"{hook} is implemented and answers nothing")

    @rule("capabilities.declared")
    def test_core_refuses_what_is_not_declared(self, harness: Harness) -> None:
        """Even if the backend could do it."""
        listening = _RecordingWrapper()
        harness.backend.manager.register(listening)
        for kind in unsupported_kinds(self.capabilities()[0]):
            key_id = new_id()
            request = CreateKeyRequest(key_id=key_id, spec=kind, ca=authority_of(key_id), options=harness.options())
            _check_refused(unsupported(f"{kind}, which is not declared", _creation(harness, request)))
        expect(not listening.asked, f"core has asked the backend for {' and '.join(map(str, listening.asked))}")

    @rule("capabilities.offered")
    def test_what_this_instance_does_not_offer_is_refused(
        self, harness: Harness, stored: Callable[[], int] | None, note: Callable[[str], None]
    ) -> None:
        """Although its class declares it, as for another token."""
        declared, offered = self.capabilities()
        before = self.counted(stored, note)
        for kind in [kind for kind in key_kinds(declared) if kind not in key_kinds(offered)]:
            note(f"{self.backend}: this instance does not offer {kind}, and says so")
            _check_refused(unsupported(f"{kind}, which is not offered", partial(harness.create, kind)))
        expect(stored is None or stored() == before, "a key was refused, and yet is stored")
        for trouble in _algorithms_not_offered(harness, self.capabilities()):
            _check_refused(trouble)


def _about_secrets(harness: Harness) -> Iterator[str]:
    """What the rules of secrets do not try: all, where there is no secret, or those that the contract was not given."""
    declared = [option.name for option in options_of(harness.backend, "use") if option.secret]
    if not declared and not harness.given_secrets:
        yield "declares no secrets, so there are none that the rules of secrets could try"
    for name in declared:
        if name not in harness.given_secrets:
            yield f"declares the secret {name}, which the contract was not given and does not try"


def _calls(harness: Harness) -> dict[str, Callable[[], Any]]:
    """A call of each optional hook that has something to do, with a key of the simplest kind."""
    key_id = new_id()
    created, another = harness.create(key_id=key_id), harness.create()
    return {
        "ocsp_store": lambda: harness.call("ocsp_store"),
        "find_key": lambda: harness.find(key_id),
        "import_key": lambda: harness.import_key(foreign_key(harness)[0]),
        "export_key": lambda: harness.export(created),
        "delete_key": lambda: harness.delete(created),
        "list_keys": lambda: harness.backend.list_keys(harness.secrets()),
        "describe_key": lambda: harness.backend.describe_key(harness.request(another), harness.secrets()),
    }


class _RecordingWrapper:
    """A wrapper that writes down which keys the backend is asked for."""

    def __init__(self) -> None:
        self.asked: list[KeySpec] = []

    @hookimpl(wrapper=True)
    def create_key(self, request: CreateKeyRequest) -> Wrapping[CreatedKey]:
        """Write it down."""
        self.asked.append(request.spec)
        return (yield)


def _creation(harness: Harness, request: CreateKeyRequest) -> Callable[[], Any]:
    """A creation with core's checks."""
    return lambda: harness.backend.create_key(request, harness.secrets("create"))


def _algorithms_not_offered(harness: Harness, capabilities: tuple[Any, Any]) -> Iterator[ErrorCase]:
    declared, offered = capabilities
    for kind in key_kinds(offered):
        left_out = [algorithm for algorithm in algorithms(kind, declared) if algorithm not in algorithms(kind, offered)]
        if left_out:
            with harness.lent(harness.create(kind)) as signer:
                for algorithm in left_out:
                    name = f"{algorithm}, which is not offered"
                    yield unsupported(name, partial(signer.sign, b"message", algorithm))


def _check_refused(trouble: ErrorCase) -> None:
    error = trouble.error()
    if error is None:
        expected = " or ".join(kind.__name__ for kind in trouble.documented)
        raise UnmetError(f"{trouble.name}: nothing is raised; documented is {expected}")
    _check_type(trouble, error)
    _check_words(trouble, error)


def _check_type(trouble: ErrorCase, error: Exception) -> None:
    if not isinstance(error, trouble.documented):
        expected = " or ".join(kind.__name__ for kind in trouble.documented)
        raise UnmetError(f"{trouble.name}: {type(error).__name__} is raised; documented is {expected}") from error


def _check_words(trouble: ErrorCase, error: Exception | None) -> None:
    """An error that is not of ours has no hint to look at; that is the matter of another rule."""
    if not isinstance(error, AnchorholdError):
        return
    subject, colon, problem = error.problem.partition(": ")
    expect(subject and colon and problem.strip(), f"{trouble.name}: {error.problem!r} is not 'subject: what is wrong'")
    expect(len(error.hint.split()) > 1, f"{trouble.name}: the hint {error.hint!r} says nothing to do")
    expect(error.hint not in error.problem, f"{trouble.name}: the hint repeats the problem")
    full_stops = error.problem.endswith(".") or error.hint.endswith(".")
    expect(not full_stops, f"{trouble.name}: problem and hint are put together, so neither ends with a full stop")
