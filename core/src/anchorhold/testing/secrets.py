"""Rules of secrets: needed where they protect, and seen nowhere."""

from __future__ import annotations

import json
import pickle
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from anchorhold.plugin.backend_options import options_of
from anchorhold.testing.error_cases import error_cases
from anchorhold.testing.fixtures import ContractFixtures, generated, new_id
from anchorhold.testing.foreign_keys import foreign_key
from anchorhold.testing.listing import look
from anchorhold.testing.output_capture import OutputCapture, secrets_shown
from anchorhold.testing.rules import expect, rule
from anchorhold.testing.secret_values import SecretValues

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from anchorhold.plugin import CreatedKey
    from anchorhold.testing.harness import Harness

RECOGNISABLE: Final = 8
"""Characters that a secret must have, so that it is not found somewhere by chance."""


class SecretRules(ContractFixtures):
    """What secrets are for, and where they must not be."""

    @rule("secrets.wrong")
    def test_a_wrong_secret_opens_nothing(self, harness: Harness, wrong: SecretValues) -> None:
        """Each of them on its own."""
        for name in harness.given_secrets:
            for what, key in self._used(harness):
                _check_closed(harness, what, key, harness.given_secrets.but(name, wrong[name]), f"with a wrong {name}")

    @rule("secrets.missing")
    def test_without_its_secret_a_key_does_not_sign(self, harness: Harness) -> None:
        """And nobody is there to be asked."""
        for name in harness.given_secrets:
            for what, key in self._used(harness):
                _check_closed(harness, what, key, harness.given_secrets.without(name), f"without its {name}")

    @rule("secrets.empty")
    def test_an_empty_secret_is_none(self, harness: Harness) -> None:
        """A variable that is not set must not make a key that everybody can use."""
        for name in harness.given_secrets:
            empty = harness.given_secrets.but(name, "")
            for what, key in self._used(harness):
                _check_closed(harness, what, key, empty, f"with an empty {name}")
            _check_protected(harness, name, empty)

    @rule("secrets.not-in-repr")
    def test_no_repr_shows_a_secret(self, harness: Harness) -> None:
        """Of anything that a debugger or a log may show."""
        for name, thing in self._things(harness):
            found = secrets_shown(f"{thing!r} {thing!s}", harness.given_secrets)
            expect(not found, f"the repr or str of {name} shows the {' and '.join(found)}")

    @rule("secrets.not-in-handles")
    def test_no_handle_holds_a_secret(self, harness: Harness) -> None:
        """For everybody who reads the ledger reads them."""
        for place, key in (*_of_responders(harness), *((harness, key) for _, key in self._protected_keys(harness))):
            found = secrets_shown(
                json.dumps(dict(key.handle.data), default=repr), {**harness.given_secrets, **place.given_secrets}
            )
            expect(not found, f"a handle holds the {' and '.join(found)}")

    @rule("secrets.not-in-errors")
    def test_no_error_shows_a_secret(
        self, harness: Harness, vanish: Callable[[CreatedKey], None], wrong: SecretValues
    ) -> None:
        """Not the right one, and not a wrong one, which may be right elsewhere."""
        secrets = SecretValues({**harness.given_secrets, **{f"wrong {name}": value for name, value in wrong.items()}})
        for trouble in error_cases(harness, vanish, wrong):
            error = trouble.error()
            found = secrets_shown(" ".join(_told_by(error)), secrets)
            expect(not found, f"{trouble.name}: the error shows the {' and '.join(found)}")

    @rule("secrets.not-in-logs")
    def test_nothing_that_is_said_shows_a_secret(
        self, harness: Harness, vanish: Callable[[CreatedKey], None], wrong: SecretValues
    ) -> None:
        """With every logger at its most talkative."""
        secrets = SecretValues({**harness.given_secrets, **{f"wrong {name}": value for name, value in wrong.items()}})
        pkcs8 = foreign_key(harness)[0]
        secrets["imported private key"] = pkcs8.reveal().splitlines()[1]
        with OutputCapture() as heard:
            created = self._protected(harness)
            harness.use(created)
            if harness.backend.supports("import_key"):
                harness.import_key(pkcs8)
            if harness.backend.supports("export_key"):
                secrets["exported private key"] = harness.export(created).reveal().splitlines()[1]
            look(harness, created)
            for trouble in error_cases(harness, vanish, wrong):
                trouble.error()
        found = secrets_shown(heard.output, secrets)
        expect(not found, f"logs, warnings or output show the {' and '.join(found)}")

    @rule("secrets.not-in-pickles")
    def test_no_pickle_holds_a_secret(self, harness: Harness) -> None:
        """What refuses to be pickled is as good."""
        for name, thing in self._things(harness):
            content = b""
            with suppress(Exception):
                content = pickle.dumps(thing)
            found = secrets_shown(content, harness.given_secrets)
            expect(not found, f"a pickle of {name} holds the {' and '.join(found)}")

    def _used(self, harness: Harness) -> Iterator[tuple[str, CreatedKey]]:
        """Keys that were used with all secrets a moment ago, so that they could have been cached."""
        for what, key in self._protected_keys(harness):
            expect(harness.use(key), f"{what} does not sign")
            harness.exportable(key)
            yield what, key

    def _protected_keys(self, harness: Harness) -> Iterator[tuple[str, CreatedKey]]:
        """A key made with all secrets, and one from elsewhere if the backend takes any; how to call each."""
        yield "a key", self._protected(harness)
        if harness.backend.supports("import_key"):
            yield "an imported key", harness.import_key(foreign_key(harness)[0])

    def _things(self, harness: Harness) -> Iterator[tuple[str, Any]]:
        """All objects of the backend that others hold, after they were used."""
        created = self._protected(harness)
        with harness.lent(created) as signer:
            expect(harness.signs(signer), "the key does not sign")
            yield from (
                ("the signer", signer),
                ("the backend", harness.instance),
                ("its options", harness.backend.options),
            )

    def _protected(self, harness: Harness) -> CreatedKey:
        """A key made with all secrets; fails if the backend declares some and the contract was given none."""
        declared = [option.name for option in options_of(harness.backend, "use") if option.secret]
        expect(
            bool(harness.given_secrets) or not declared,
            f"the backend declares {', '.join(declared)}: {self.ask('secrets')} and give what is needed",
        )
        short = [name for name, value in harness.given_secrets.items() if len(value) < RECOGNISABLE]
        expect(
            not short, f"give the {' and '.join(short)} {RECOGNISABLE} characters or more, to be recognised anywhere"
        )
        return harness.create(key_id=new_id())


def _check_closed(harness: Harness, what: str, key: CreatedKey, given: SecretValues, how: str) -> None:
    """With these secrets a key neither signs nor is handed out."""
    expect(not harness.fresh().usable(key, given), f"{what} signs {how}")
    expect(not harness.fresh().exportable(key, given), f"{what} is handed out {how}")


def _check_protected(harness: Harness, name: str, empty: SecretValues) -> None:
    """With an empty secret no key is made, or one that needs the right secret: some are made without any."""
    made = _created(harness.fresh(), empty)
    if made is None:
        return
    expect(harness.usable(made), f"a key was made with an empty {name}, and the right one does not open it")
    for given in (empty, harness.given_secrets.without(name)):
        _check_closed(harness, f"a key that was made with an empty {name}", made, given, "without the right one")


def _of_responders(harness: Harness) -> Iterator[tuple[Harness, CreatedKey]]:
    """A key of an OCSP responder, with the secrets that core generates, where the backend has such keys."""
    if harness.backend.supports("ocsp_store"):
        ocsp = harness.fresh(role="ocsp")
        ocsp.given_secrets = generated(ocsp)
        yield ocsp, ocsp.create()


def _created(harness: Harness, given: SecretValues) -> CreatedKey | None:
    """A key made with these secrets; None if that fails, for how it fails is the matter of other rules."""
    try:
        return harness.create(given=given)
    except Exception:
        return None


def _told_by(error: BaseException | None) -> Iterator[str]:
    """All that an error, its causes and its contexts say."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield from (str(one), repr(one), repr(one.args), *traceback.format_exception_only(one))
        yield from (repr(value) for value in vars(one).values())
        waiting += [one.__cause__, one.__context__]
