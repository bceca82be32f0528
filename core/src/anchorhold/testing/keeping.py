"""Rules of keeping keys: handles, aliases, keys that are gone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from anchorhold.errors import AnchorholdError
from anchorhold.publickeys import spki
from anchorhold.seam import CreatedKey, KeyHandle
from anchorhold.testing import children
from anchorhold.testing.rules import UnmetError, expect, rule
from anchorhold.testing.subject import Subject, foreign_key, new_id

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from anchorhold.testing.bench import Bench


class Keeping(Subject):
    """Where keys are, and whether they still are."""

    @rule("handle.json")
    def test_handles_survive_json(self, bench: Bench) -> None:
        """As the ledger stores them."""
        handle = bench.create().handle
        data = dict(handle.data)
        try:
            back = json.loads(json.dumps(data, allow_nan=False))
        except (TypeError, ValueError) as error:
            raise UnmetError(f"the handle is not JSON ({error})") from None
        expect(back == data, "what comes back from JSON is not the same")

    @rule("handle.version")
    def test_handles_have_a_version(self, bench: Bench) -> None:
        """So that their layout can change."""
        version: Any = bench.create().handle.version
        number = isinstance(version, int) and not isinstance(version, bool) and version >= 1
        expect(number, f"the version is {version!r}")
        declared = bench.backend.handle_version
        expect(version <= declared, f"the version is {version}, and the class reads handles up to {declared}")

    @rule("handle.stable")
    def test_handles_are_the_same_everywhere(self, bench: Bench, note: Callable[[str], None]) -> None:
        """Found by this process and by another."""
        if not self.offers_hook(bench, "find_key", note):
            return
        key_id = new_id()
        created = bench.create(key_id=key_id)
        here = [found.handle for found in bench.fresh().find(key_id)]
        there = [children.from_json(told).handle for told in children.run(bench, "find keys", key_id=key_id.hex())]
        expect(here == [created.handle], "find_key answers another handle than create_key")
        expect(there == [created.handle], "another process finds another handle")

    @rule("handle.fresh-process")
    def test_a_fresh_process_signs_with_the_handle_alone(self, bench: Bench) -> None:
        """As every command does."""
        answer = children.run(bench, "use a key", key=children.as_json(bench.create()))
        expect(answer["signs"], "the signature of the fresh process does not verify")

    @rule("handle.old-versions")
    def test_handles_of_older_versions_are_read(
        self, bench: Bench, old_handles: Callable[[KeyHandle], Sequence[KeyHandle]]
    ) -> None:
        """Each of them, for they are in ledgers."""
        created = bench.create()
        old = old_handles(created.handle)
        versions, expected = sorted(handle.version for handle in old), list(range(1, created.handle.version))
        expect(
            versions == expected,
            f"handles have the version {created.handle.version}, and of older ones there is an example of "
            f"{', '.join(map(str, versions)) or 'none'}: {self.ask('old_handles')}",
        )
        for handle in old:
            key = CreatedKey(handle=handle, public_key=created.public_key)
            expect(bench.use(key), f"a handle of version {handle.version} does not lead to its key")

    @rule("aliases.apart")
    def test_aliases_are_apart(self, bench: Bench, note: Callable[[str], None]) -> None:
        """Whoever may use one may not use the other."""
        key_id = new_id()
        created = bench.create(key_id=key_id)
        other = self.alias(bench, "other")
        expect(not other.usable(created), "the second alias signs with a key of the first")
        expect(bench.use(created) and other.use(other.create()), "one of the aliases does not work")
        used = "the second alias signs with a key of the first, after that has used it"
        expect(not other.usable(created), used)
        if bench.backend.supports("find_key"):
            seen = [spki(found.public_key) for found in other.find(key_id)]
            expect(bench.truth(created) not in seen, "the second alias finds a key of the first")
        if self.offers_hook(bench, "delete_key", note):
            _try_to_delete(other, created)
        expect(bench.fresh().use(created), "the second alias has destroyed a key of the first")

    @rule("delete.gone")
    def test_a_deleted_key_is_gone_for_everybody(
        self, bench: Bench, stored: Callable[[], int] | None, note: Callable[[str], None]
    ) -> None:
        """A fresh process neither uses nor finds it."""
        if not self.offers_hook(bench, "delete_key", note):
            return
        before = self.counted(stored, note)
        key_id = new_id()
        created = bench.create(key_id=key_id)
        bench.delete(created)
        left = children.run(bench, "look for a key", key=children.as_json(created), key_id=key_id.hex())
        expect(not left["signs"], "a fresh process still signs with it")
        expect(not left["found"], "a fresh process still finds it")
        expect(stored is None or stored() == before, "a private key is left in the place of the alias")

    @rule("delete.twice")
    def test_deleting_says_whether_the_key_was_there(self, bench: Bench, note: Callable[[str], None]) -> None:
        """True, then False."""
        if not self.offers_hook(bench, "delete_key", note):
            return
        created = bench.create()
        first = bench.delete(created)
        expect(first is True, f"the key was there, and the answer is {first!r}")
        second = bench.delete(created)
        expect(second is False, f"the key was gone, and the answer is {second!r}")

    @rule("delete.others-stay")
    def test_other_keys_stay(self, bench: Bench, note: Callable[[str], None]) -> None:
        """Made before it or after it, or imported."""
        if not self.offers_hook(bench, "delete_key", note):
            return
        before, doomed, after = bench.create(), bench.create(), bench.create()
        others = [before, after]
        if bench.backend.supports("import_key"):
            others.append(bench.import_key(foreign_key(bench)[0]))
        bench.delete(doomed)
        expect(all(bench.fresh().use(key) for key in others), "another key does not sign any more")

    @rule("use.gone")
    def test_a_key_that_is_gone_does_not_sign(self, bench: Bench, vanish: Callable[[CreatedKey], None]) -> None:
        """Even if it was used a moment ago, by this very instance."""
        created = bench.create()
        expect(bench.use(created), "the key does not even sign while it is there")
        bench.exportable(created)
        vanish(created)
        expect(not bench.usable(created), "a signer was lent and has signed although the key is gone")
        expect(not bench.exportable(created), "a key was handed out although it is gone")


def _try_to_delete(bench: Bench, created: CreatedKey) -> None:
    """Delete a key that belongs to another alias; an error is as good an answer as False."""
    try:
        answer = bench.delete(created)
    except AnchorholdError:
        return
    expect(answer is False, "the second alias says it has destroyed a key of the first")
