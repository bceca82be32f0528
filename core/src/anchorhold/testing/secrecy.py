"""Rules of secrets: needed where they protect, and seen nowhere."""

from __future__ import annotations

import json
import pickle
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from anchorhold.seam.options import options_of
from anchorhold.testing.given import Given
from anchorhold.testing.hearing import Hearing, shown
from anchorhold.testing.rules import expect, rule
from anchorhold.testing.subject import Subject, foreign_key, generated, new_id
from anchorhold.testing.trouble import troubles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from anchorhold.seam import CreatedKey
    from anchorhold.testing.bench import Bench

RECOGNISABLE: Final = 8
"""Characters that a secret must have, so that it is not found somewhere by chance."""


class Secrecy(Subject):
    """What secrets are for, and where they must not be."""

    @rule("secrets.wrong")
    def test_a_wrong_secret_opens_nothing(self, bench: Bench, wrong: Given) -> None:
        """Each of them on its own."""
        for name in bench.given:
            for what, key in self._used(bench):
                _check_closed(bench, what, key, bench.given.but(name, wrong[name]), f"with a wrong {name}")

    @rule("secrets.missing")
    def test_without_its_secret_a_key_does_not_sign(self, bench: Bench) -> None:
        """And nobody is there to be asked."""
        for name in bench.given:
            for what, key in self._used(bench):
                _check_closed(bench, what, key, bench.given.without(name), f"without its {name}")

    @rule("secrets.empty")
    def test_an_empty_secret_is_none(self, bench: Bench) -> None:
        """A variable that is not set must not make a key that everybody can use."""
        for name in bench.given:
            empty = bench.given.but(name, "")
            for what, key in self._used(bench):
                _check_closed(bench, what, key, empty, f"with an empty {name}")
            expect(not _creates(bench.fresh(), empty), f"a key was made with an empty {name}")

    @rule("secrets.not-in-repr")
    def test_no_repr_shows_a_secret(self, bench: Bench) -> None:
        """Of anything that a debugger or a log may show."""
        for name, thing in self._things(bench):
            found = shown(f"{thing!r} {thing!s}", bench.given)
            expect(not found, f"the repr or str of {name} shows the {' and '.join(found)}")

    @rule("secrets.not-in-handles")
    def test_no_handle_holds_a_secret(self, bench: Bench) -> None:
        """For everybody who reads the ledger reads them."""
        for place, key in (*_of_responders(bench), *((bench, key) for _, key in self._protected_keys(bench))):
            found = shown(json.dumps(dict(key.handle.data), default=repr), {**bench.given, **place.given})
            expect(not found, f"a handle holds the {' and '.join(found)}")

    @rule("secrets.not-in-errors")
    def test_no_error_shows_a_secret(self, bench: Bench, vanish: Callable[[CreatedKey], None], wrong: Given) -> None:
        """Not the right one, and not a wrong one, which may be right elsewhere."""
        secrets = Given({**bench.given, **{f"wrong {name}": value for name, value in wrong.items()}})
        for trouble in troubles(bench, vanish, wrong):
            error = trouble.error()
            found = shown(" ".join(_told_by(error)), secrets)
            expect(not found, f"{trouble.name}: the error shows the {' and '.join(found)}")

    @rule("secrets.not-in-logs")
    def test_nothing_that_is_said_shows_a_secret(
        self, bench: Bench, vanish: Callable[[CreatedKey], None], wrong: Given
    ) -> None:
        """With every logger at its most talkative."""
        secrets = Given({**bench.given, **{f"wrong {name}": value for name, value in wrong.items()}})
        pkcs8 = foreign_key(bench)[0]
        secrets["imported private key"] = pkcs8.reveal().splitlines()[1]
        with Hearing() as heard:
            created = self._protected(bench)
            bench.use(created)
            if bench.backend.supports("import_key"):
                bench.import_key(pkcs8)
            if bench.backend.supports("export_key"):
                secrets["exported private key"] = bench.export(created).reveal().splitlines()[1]
            for trouble in troubles(bench, vanish, wrong):
                trouble.error()
        found = shown(heard.said, secrets)
        expect(not found, f"logs, warnings or output show the {' and '.join(found)}")

    @rule("secrets.not-in-pickles")
    def test_no_pickle_holds_a_secret(self, bench: Bench) -> None:
        """What refuses to be pickled is as good."""
        for name, thing in self._things(bench):
            content = b""
            with suppress(Exception):
                content = pickle.dumps(thing)
            found = shown(content, bench.given)
            expect(not found, f"a pickle of {name} holds the {' and '.join(found)}")

    def _used(self, bench: Bench) -> Iterator[tuple[str, CreatedKey]]:
        """Keys that were used with all secrets a moment ago, so that somebody could have remembered them."""
        for what, key in self._protected_keys(bench):
            expect(bench.use(key), f"{what} does not sign")
            bench.exportable(key)
            yield what, key

    def _protected_keys(self, bench: Bench) -> Iterator[tuple[str, CreatedKey]]:
        """A key made with all secrets, and one from elsewhere if the backend takes any; how to call each."""
        yield "a key", self._protected(bench)
        if bench.backend.supports("import_key"):
            yield "an imported key", bench.import_key(foreign_key(bench)[0])

    def _things(self, bench: Bench) -> Iterator[tuple[str, Any]]:
        """All objects of the backend that others hold, after they were used."""
        created = self._protected(bench)
        signer = bench.load(created)
        expect(bench.signs(signer), "the key does not sign")
        yield from (("the signer", signer), ("the backend", bench.instance), ("its options", bench.backend.options))
        signer.close()

    def _protected(self, bench: Bench) -> CreatedKey:
        """A key made with all secrets; fails if the backend declares some and the contract was given none."""
        declared = [option.name for option in options_of(bench.backend, "use") if option.secret]
        expect(
            bool(bench.given) or not declared,
            f"the backend declares {', '.join(declared)}: {self.ask('secrets')} and give what is needed",
        )
        short = [name for name, value in bench.given.items() if len(value) < RECOGNISABLE]
        expect(
            not short, f"give the {' and '.join(short)} {RECOGNISABLE} characters or more, to be recognised anywhere"
        )
        return bench.create(key_id=new_id())


def _check_closed(bench: Bench, what: str, key: CreatedKey, given: Given, how: str) -> None:
    """With these secrets a key neither signs nor is handed out."""
    expect(not bench.fresh().usable(key, given), f"{what} signs {how}")
    expect(not bench.fresh().exportable(key, given), f"{what} is handed out {how}")


def _of_responders(bench: Bench) -> Iterator[tuple[Bench, CreatedKey]]:
    """A key of an OCSP responder, with the secrets that core generates, where the backend has such keys."""
    if bench.backend.supports("ocsp_store"):
        ocsp = bench.fresh(role="ocsp")
        ocsp.given = generated(ocsp)
        yield ocsp, ocsp.create()


def _creates(bench: Bench, given: Given) -> bool:
    try:
        bench.create(given=given)
    except Exception:  # how it fails is the matter of other rules
        return False
    return True


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
