"""Trouble on purpose: what a backend is made to refuse, and the errors that are documented for it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from anchorhold.errors import (
    AnchorholdError,
    BackendFailedError,
    KeyExistsError,
    KeyMissingError,
    KeyUnsupportedError,
    OperationUnsupportedError,
    SecretMissingError,
    SecretWrongError,
    SettingsError,
)
from anchorhold.testing.fixtures import new_id
from anchorhold.testing.foreign_keys import foreign_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from anchorhold.plugin import CreatedKey
    from anchorhold.testing.harness import Harness
    from anchorhold.testing.secret_values import SecretValues


@dataclass(frozen=True)
class ErrorCase:
    """Something that must fail.

    Attributes:
        name: What is wrong, for messages.
        documented: The errors that may be raised.
        operation: Runs into it.
    """

    name: str
    documented: tuple[type[AnchorholdError], ...]
    operation: Callable[[], Any]

    def error(self) -> Exception | None:
        """What is raised; None if nothing is."""
        try:
            self.operation()
        except Exception as error:  # judged by whoever asked
            return error
        return None


def error_cases(harness: Harness, vanish: Callable[[CreatedKey], None], wrong: SecretValues) -> Iterator[ErrorCase]:
    """All trouble that can be made for this backend with its place in order.

    Args:
        harness: The alias.
        vanish: Makes a key go away.
        wrong: A wrong value for each secret.
    """
    key_id = new_id()
    created = harness.create(key_id=key_id)
    yield ErrorCase("a key id that is taken", (KeyExistsError,), lambda: harness.create(key_id=key_id))
    if harness.backend.supports("import_key"):
        pkcs8 = foreign_key(harness)[0]
        again = partial(harness.import_key, pkcs8, key_id)
        yield ErrorCase("an import under a key id that is taken", (KeyExistsError,), again)
    yield from secret_error_cases(harness, created, wrong)
    vanish(created)
    yield ErrorCase("a key that is gone", (KeyMissingError,), partial(_use, harness, created))
    if harness.backend.supports("export_key"):
        yield ErrorCase(
            "export_key of a key that is gone", (KeyMissingError,), partial(harness.fresh().export, created)
        )
    if harness.backend.supports("describe_key"):
        documented = (KeyMissingError, OperationUnsupportedError)
        yield ErrorCase("describe_key of a key that is gone", documented, partial(harness.fresh().described, created))
    if harness.backend.supports("delete_key"):  # answers False, which another rule demands
        yield ErrorCase(
            "delete_key of a key that is gone", (BackendFailedError,), partial(harness.fresh().delete, created)
        )


def secret_error_cases(harness: Harness, created: CreatedKey, wrong: SecretValues) -> Iterator[ErrorCase]:
    """A wrong value for each secret, and none."""
    for name in harness.given_secrets:
        tried = harness.given_secrets.but(name, wrong[name])
        yield ErrorCase(f"a wrong {name}", (SecretWrongError,), partial(_use, harness, created, tried))
        tried = harness.given_secrets.without(name)
        yield ErrorCase(f"no {name}", (SecretMissingError,), partial(_use, harness, created, tried))


def _use(harness: Harness, created: CreatedKey, given: SecretValues | None = None) -> bool:
    """Use a key by an instance that has seen nothing yet."""
    return harness.fresh().use(created, given)


def unreachable(nowhere: Harness, created: CreatedKey) -> Iterator[ErrorCase]:
    """What fails in a place that cannot be reached.

    Args:
        nowhere: An alias for such a place.
        created: A key of another alias.
    """
    failed = (BackendFailedError, SettingsError)
    failed_or_missing = (*failed, KeyMissingError)
    calls: dict[str, tuple[tuple[type[AnchorholdError], ...], Callable[[], Any]]] = {
        "create_key": (failed, nowhere.create),
        "load_signer": (failed_or_missing, lambda: nowhere.use(created)),
        "find_key": (failed, lambda: nowhere.find(new_id())),
        "import_key": (failed, lambda: nowhere.import_key(foreign_key(nowhere)[0])),
        "export_key": (failed_or_missing, lambda: nowhere.export(created)),
        "delete_key": (failed, lambda: nowhere.delete(created)),
        "list_keys": ((*failed, OperationUnsupportedError), nowhere.listed),
        "describe_key": ((*failed_or_missing, OperationUnsupportedError), lambda: nowhere.described(created)),
    }
    for hook, (documented, call) in calls.items():
        if nowhere.backend.supports(hook):
            yield ErrorCase(f"{hook} in a place that cannot be reached", documented, call)


def unsupported(name: str, work: Callable[[], Any]) -> ErrorCase:
    """A kind of key or an algorithm that is not offered."""
    return ErrorCase(name, (KeyUnsupportedError,), work)
