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
    SecretMissingError,
    SecretWrongError,
    SettingsError,
)
from anchorhold.testing.subject import foreign_key, new_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from anchorhold.seam import CreatedKey
    from anchorhold.testing.bench import Bench
    from anchorhold.testing.given import Given


@dataclass(frozen=True)
class Trouble:
    """Something that must fail.

    Attributes:
        name: What is wrong, for messages.
        documented: The errors that may be raised.
        work: Runs into it.
    """

    name: str
    documented: tuple[type[AnchorholdError], ...]
    work: Callable[[], Any]

    def error(self) -> Exception | None:
        """What is raised; None if nothing is."""
        try:
            self.work()
        except Exception as error:  # judged by whoever asked
            return error
        return None


def troubles(bench: Bench, vanish: Callable[[CreatedKey], None], wrong: Given) -> Iterator[Trouble]:
    """All trouble that can be made for this backend with its place in order.

    Args:
        bench: The alias.
        vanish: Makes a key go away.
        wrong: A wrong value for each secret.
    """
    key_id = new_id()
    created = bench.create(key_id=key_id)
    yield Trouble("a key id that is taken", (KeyExistsError,), lambda: bench.create(key_id=key_id))
    if bench.backend.supports("import_key"):
        pkcs8 = foreign_key(bench)[0]
        again = partial(bench.import_key, pkcs8, key_id)
        yield Trouble("an import under a key id that is taken", (KeyExistsError,), again)
    yield from secret_troubles(bench, created, wrong)
    vanish(created)
    yield Trouble("a key that is gone", (KeyMissingError,), partial(_use, bench, created))
    if bench.backend.supports("export_key"):
        yield Trouble("export_key of a key that is gone", (KeyMissingError,), partial(bench.fresh().export, created))
    if bench.backend.supports("delete_key"):  # answers False, which another rule demands
        yield Trouble("delete_key of a key that is gone", (BackendFailedError,), partial(bench.fresh().delete, created))


def secret_troubles(bench: Bench, created: CreatedKey, wrong: Given) -> Iterator[Trouble]:
    """A wrong value for each secret, and none."""
    for name in bench.given:
        tried = bench.given.but(name, wrong[name])
        yield Trouble(f"a wrong {name}", (SecretWrongError,), partial(_use, bench, created, tried))
        tried = bench.given.without(name)
        yield Trouble(f"no {name}", (SecretMissingError,), partial(_use, bench, created, tried))


def _use(bench: Bench, created: CreatedKey, given: Given | None = None) -> bool:
    """Use a key by an instance that has seen nothing yet."""
    return bench.fresh().use(created, given)


def unreachable(nowhere: Bench, created: CreatedKey) -> Iterator[Trouble]:
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
    }
    for hook, (documented, call) in calls.items():
        if nowhere.backend.supports(hook):
            yield Trouble(f"{hook} in a place that cannot be reached", documented, call)


def unsupported(name: str, work: Callable[[], Any]) -> Trouble:
    """A kind of key or an algorithm that is not offered."""
    return Trouble(name, (KeyUnsupportedError,), work)
