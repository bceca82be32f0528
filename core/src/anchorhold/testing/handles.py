"""Rules of keeping keys: handles, aliases, keys that are gone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from anchorhold.errors import AnchorholdError
from anchorhold.plugin import CreatedKey, KeyHandle
from anchorhold.public_keys import spki
from anchorhold.testing import subprocess_runner
from anchorhold.testing.fixtures import ContractFixtures, new_id, similar_ids
from anchorhold.testing.foreign_keys import foreign_key
from anchorhold.testing.rules import UnmetError, expect, rule

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from anchorhold.testing.harness import Harness


class HandleRules(ContractFixtures):
    """Where keys are, and whether they still are."""

    @rule("handle.json")
    def test_handles_survive_json(self, harness: Harness) -> None:
        """As the ledger stores them."""
        handle = harness.create().handle
        data = dict(handle.data)
        try:
            back = json.loads(json.dumps(data, allow_nan=False))
        except (TypeError, ValueError) as error:
            raise UnmetError(f"the handle is not JSON ({error})") from None
        expect(back == data, "what comes back from JSON is not the same")

    @rule("handle.version")
    def test_handles_have_a_version(self, harness: Harness) -> None:
        """So that their layout can change."""
        version: Any = harness.create().handle.version
        number = isinstance(version, int) and not isinstance(version, bool) and version >= 1
        expect(number, f"the version is {version!r}")
        declared = harness.backend.handle_version
        expect(version <= declared, f"the version is {version}, and the class reads handles up to {declared}")

    @rule("handle.stable")
    def test_handles_are_the_same_everywhere(self, harness: Harness, note: Callable[[str], None]) -> None:
        """Found by this process and by another."""
        if not self.offers_hook(harness, "find_key", note):
            return
        key_id = new_id()
        created = harness.create(key_id=key_id)
        here = [found.handle for found in harness.fresh().find(key_id)]
        there = [
            subprocess_runner.from_json(told).handle
            for told in subprocess_runner.run(harness, "find keys", key_id=key_id.hex())
        ]
        expect(here == [created.handle], "find_key answers another handle than create_key")
        expect(there == [created.handle], "another process finds another handle")

    @rule("handle.fresh-process")
    def test_a_fresh_process_signs_with_the_handle_alone(self, harness: Harness) -> None:
        """As every command does."""
        answer = subprocess_runner.run(harness, "use a key", key=subprocess_runner.as_json(harness.create()))
        expect(answer["signs"], "the signature of the fresh process does not verify")

    @rule("handle.old-versions")
    def test_handles_of_older_versions_are_read(
        self, harness: Harness, old_handles: Callable[[KeyHandle], Sequence[KeyHandle]]
    ) -> None:
        """Each of them, for they are in ledgers."""
        created = harness.create()
        old = old_handles(created.handle)
        versions, expected = sorted(handle.version for handle in old), list(range(1, created.handle.version))
        expect(
            versions == expected,
            f"handles have the version {created.handle.version}, and of older ones there is an example of "
            f"{', '.join(map(str, versions)) or 'none'}: {self.ask('old_handles')}",
        )
        for handle in old:
            key = CreatedKey(handle=handle, public_key=created.public_key)
            expect(harness.use(key), f"a handle of version {handle.version} does not lead to its key")

    @rule("handle.untouched")
    def test_handles_are_left_as_they_are(self, harness: Harness) -> None:
        """By everything that is done with a key, and by other keys that are made."""
        created = harness.create()
        before = _written(created.handle)
        harness.create()
        expect(_written(created.handle) == before, "create_key has changed the handle that it answered before")
        calls: dict[str, Callable[[CreatedKey], Any]] = {
            "load_signer": harness.use,
            "export_key": harness.export,
            "delete_key": harness.delete,
        }
        for hook, call in calls.items():
            if harness.backend.supports(hook):
                call(created)
                expect(_written(created.handle) == before, f"{hook} has changed the handle that it was given")

    @rule("aliases.apart")
    def test_aliases_are_apart(self, harness: Harness, note: Callable[[str], None]) -> None:
        """Access to one gives no access to the other."""
        key_id = new_id()
        created = harness.create(key_id=key_id)
        other = self.alias(harness, "other")
        expect(not other.usable(created), "the second alias signs with a key of the first")
        expect(harness.use(created) and other.use(other.create()), "one of the aliases does not work")
        used = "the second alias signs with a key of the first, after that has used it"
        expect(not other.usable(created), used)
        if harness.backend.supports("find_key"):
            seen = [spki(found.public_key) for found in other.find(key_id)]
            expect(harness.truth(created) not in seen, "the second alias finds a key of the first")
        if self.offers_hook(harness, "delete_key", note):
            _try_to_delete(other, created)
        expect(harness.fresh().use(created), "the second alias has destroyed a key of the first")

    @rule("delete.gone")
    def test_a_deleted_key_is_gone_for_everybody(
        self, harness: Harness, stored: Callable[[], int] | None, note: Callable[[str], None]
    ) -> None:
        """A fresh process neither uses nor finds it."""
        if not self.offers_hook(harness, "delete_key", note):
            return
        before = self.counted(stored, note)
        key_id = new_id()
        created = harness.create(key_id=key_id)
        harness.delete(created)
        left = subprocess_runner.run(
            harness, "look for a key", key=subprocess_runner.as_json(created), key_id=key_id.hex()
        )
        expect(not left["signs"], "a fresh process still signs with it")
        expect(not left["found"], "a fresh process still finds it")
        expect(stored is None or stored() == before, "a private key is left in the place of the alias")

    @rule("delete.twice")
    def test_deleting_says_whether_the_key_was_there(self, harness: Harness, note: Callable[[str], None]) -> None:
        """True, then False."""
        if not self.offers_hook(harness, "delete_key", note):
            return
        created = harness.create()
        first = harness.delete(created)
        expect(first is True, f"the key was there, and the answer is {first!r}")
        second = harness.delete(created)
        expect(second is False, f"the key was gone, and the answer is {second!r}")

    @rule("delete.others-stay")
    def test_other_keys_stay(self, harness: Harness, note: Callable[[str], None]) -> None:
        """Made before it or after it with an id that is nearly the same, or imported."""
        if not self.offers_hook(harness, "delete_key", note):
            return
        key_id = new_id()
        ids = (similar_ids(key_id)[0], key_id, similar_ids(key_id)[1])
        before, doomed, after = (harness.create(key_id=each) for each in ids)
        others = [before, after]
        if harness.backend.supports("import_key"):
            others.append(harness.import_key(foreign_key(harness)[0]))
        harness.delete(doomed)
        expect(all(harness.fresh().use(key) for key in others), "another key does not sign any more")

    @rule("use.gone")
    def test_a_key_that_is_gone_does_not_sign(self, harness: Harness, vanish: Callable[[CreatedKey], None]) -> None:
        """Even if it was used a moment ago, by this very instance."""
        created = harness.create()
        expect(harness.use(created), "the key does not even sign while it is there")
        harness.exportable(created)
        vanish(created)
        expect(not harness.usable(created), "a signer was lent and has signed although the key is gone")
        expect(not harness.exportable(created), "a key was handed out although it is gone")


def _written(handle: KeyHandle) -> str:
    """A handle as it is now, which later changes of it do not reach."""
    return json.dumps(handle.to_json(), sort_keys=True, default=repr)


def _try_to_delete(harness: Harness, created: CreatedKey) -> None:
    """Delete a key that belongs to another alias; an error is as good an answer as False."""
    try:
        answer = harness.delete(created)
    except AnchorholdError:
        return
    expect(answer is False, "the second alias says it has destroyed a key of the first")
