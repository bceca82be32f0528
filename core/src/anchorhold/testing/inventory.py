"""Rules of looking: which keys there are, and what is said of each."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from anchorhold.errors import OperationUnsupportedError
from anchorhold.testing import listing, subprocess_runner
from anchorhold.testing.fixtures import ContractFixtures, new_id
from anchorhold.testing.foreign_keys import foreign_key
from anchorhold.testing.output_capture import secrets_shown
from anchorhold.testing.rules import expect, rule
from anchorhold.testing.secret_values import SecretValues

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from anchorhold.plugin import CreatedKey
    from anchorhold.testing.harness import Harness

CREATED: Final = "a created key"
IMPORTED: Final = "an imported key"


class InventoryRules(ContractFixtures):
    """What `list_keys` and `describe_key` answer, where a backend offers them and its place can be looked at."""

    @rule("list.exact")
    def test_every_key_is_listed_once(
        self, harness: Harness, vanish: Callable[[CreatedKey], None], note: Callable[[str], None]
    ) -> None:
        """By this process and by another; not those that are gone, and not those of another place."""
        gone = [new_id(), new_id()]
        deleted, vanished = (harness.create(key_id=key_id) for key_id in gone)
        if not self._looks(harness, "list_keys", harness.listed, note):
            return
        remove = harness.delete if harness.backend.supports("delete_key") else vanish
        remove(deleted)
        vanish(vanished)
        ids, elsewhere = {CREATED: new_id(), IMPORTED: new_id()}, new_id()
        there = dict(_keys(harness, ids))
        self.alias(harness, "other").create(key_id=elsewhere)
        for who, listed in {
            "this process": listing.list_ids(harness),
            "another process": subprocess_runner.run(harness, "list keys"),
        }.items():
            counts = Counter(listed)
            for what in there:
                times = counts[ids[what].hex()]
                expect(times == 1, f"{what} is listed {times} times with its key id by {who}")
            expect(not any(counts[key_id.hex()] for key_id in gone), f"a key that is gone is listed by {who}")
            expect(not counts[elsewhere.hex()], f"a key in the place of the second alias is listed by {who}")

    @rule("list.changes-nothing")
    def test_looking_changes_nothing(
        self, harness: Harness, stored: Callable[[], int] | None, note: Callable[[str], None]
    ) -> None:
        """Neither the keys nor what leads to them."""
        keys = dict(_keys(harness))
        lists = self._looks(harness, "list_keys", harness.listed, note)
        describes = self._describes(harness, harness.create(), note)
        if not lists and not describes:
            return
        before = self.counted(stored, note)
        for _ in range(2):
            if lists:
                harness.listed()
            for key in keys.values() if describes else ():
                harness.described(key)
        expect(stored is None or stored() == before, "there are more private keys than before, or fewer")
        for what, key in keys.items():
            expect(harness.fresh().usable(key), f"{what} does not sign any more")

    @rule("describe.true")
    def test_what_is_said_of_a_key_is_true(self, harness: Harness, note: Callable[[str], None]) -> None:
        """Of one that was made in the place, and of one that was brought there."""
        for what, key in _keys(harness):
            if not self._describes(harness, key, note):
                return
            said = harness.described(key)
            expect(said.place.strip(), f"{what} is said to be nowhere")
            leaves = harness.exportable(key)
            expect(said.can_leave is True or not leaves, f"{what} is handed out, and can_leave is {said.can_leave}")
            expect(what == CREATED or said.made != "here", f"{what} is said to be made in the place that keeps it")
            if what == CREATED and said.made == "elsewhere":
                note(f"{self.backend}: says of a key that create_key has made that it was made elsewhere")

    @rule("describe.stable")
    def test_the_same_is_said_by_every_process(self, harness: Harness, note: Callable[[str], None]) -> None:
        """And by one that has seen the key before."""
        keys = [subprocess_runner.as_json(key) for _, key in _keys(harness)]
        if not self._describes(harness, harness.create(), note):
            return
        here = listing.describe(harness, keys)
        expect(listing.describe(harness.fresh(), keys) == here, "another instance says something else")
        there = subprocess_runner.run(harness, "describe keys", keys=keys)
        expect(there == here, f"another process says something else: {_difference(here, there)}")

    @rule("describe.gone")
    def test_a_key_that_is_gone_is_not_described(
        self, harness: Harness, vanish: Callable[[CreatedKey], None], note: Callable[[str], None]
    ) -> None:
        """Even if it was described a moment ago, by this very instance."""
        created = harness.create()
        if not self._describes(harness, created, note):
            return
        vanish(created)
        for who, instance in {"the same instance": harness, "another instance": harness.fresh()}.items():
            expect(not _is_described(instance, created), f"the key is gone, and {who} describes it")

    @rule("secrets.not-in-lists")
    def test_nothing_that_is_listed_or_described_shows_a_secret(
        self, harness: Harness, note: Callable[[str], None]
    ) -> None:
        """Although all secrets are at hand."""
        secrets = SecretValues(harness.given_secrets)
        created = harness.create()
        shown: list[object] = []
        if harness.exportable(created):
            secrets["exported private key"] = harness.export(created).reveal().splitlines()[1]
        if self._looks(harness, "list_keys", harness.listed, note):
            shown += harness.listed()
        if self._describes(harness, created, note):
            shown.append(harness.described(created))
            if harness.backend.supports("import_key"):
                given = foreign_key(harness)[0]
                secrets["imported private key"] = given.reveal().splitlines()[1]
                shown.append(harness.described(harness.import_key(given)))
        found = secrets_shown(repr(shown), secrets)
        expect(not found, f"what is listed or described shows the {' and '.join(found)}")

    def _describes(self, harness: Harness, key: CreatedKey, note: Callable[[str], None]) -> bool:
        """Whether keys are described."""
        return self._looks(harness, "describe_key", lambda: harness.described(key), note)

    def _looks(self, harness: Harness, hook: str, look: Callable[[], object], note: Callable[[str], None]) -> bool:
        """Whether there is a hook, and a place that it can look at; that there is none is noted."""
        if not self.offers_hook(harness, hook, note):
            return False
        try:
            look()
        except OperationUnsupportedError:
            note(f"{self.backend}: {hook} depends on the place, and this one is not looked at")
            return False
        return True


def _keys(harness: Harness, ids: Mapping[str, bytes] | None = None) -> Iterator[tuple[str, CreatedKey]]:
    """A key that was made, and one from elsewhere if the backend takes any; how to call each.

    Args:
        harness: The alias.
        ids: Key ids, where it matters which.
    """
    given = ids or {}
    yield CREATED, harness.create(key_id=given.get(CREATED))
    if harness.backend.supports("import_key"):
        yield IMPORTED, harness.import_key(foreign_key(harness)[0], given.get(IMPORTED))


def _is_described(harness: Harness, key: CreatedKey) -> bool:
    """Whether anything is said of a key; how that fails is the matter of other rules."""
    try:
        harness.described(key)
    except Exception:
        return False
    return True


def _difference(here: Sequence[dict[str, Any]], there: Sequence[dict[str, Any]]) -> str:
    """The names of what differs, for the values may be long."""
    names = {name for one, other in zip(here, there, strict=True) for name in one if one[name] != other[name]}
    return ", ".join(sorted(names))
