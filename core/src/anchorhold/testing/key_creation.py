"""Rules of making keys: created, brought from elsewhere, adopted, handed out."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from anchorhold import pkcs8
from anchorhold.errors import KeyUnsupportedError, OperationUnsupportedError
from anchorhold.plugin import Secret
from anchorhold.public_keys import spec_of, spki
from anchorhold.testing.concurrency import run_concurrently
from anchorhold.testing.fixtures import ContractFixtures, new_id, similar_ids
from anchorhold.testing.foreign_keys import foreign_key
from anchorhold.testing.harness import Harness
from anchorhold.testing.key_kinds import unusual_rsa
from anchorhold.testing.rules import UnmetError, expect, rule

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from anchorhold.algorithms import KeySpec
    from anchorhold.plugin import Capabilities, CreatedKey

CONTENDERS: Final = 4
"""Creations at once under one key id."""
ROUNDS: Final = 2


class KeyCreationRules(ContractFixtures):
    """How keys come about."""

    @rule("plugin.binds")
    def test_core_binds_it(self, config: Path) -> None:
        """Whatever core checks before the first call is in order; all other tests need that, too."""
        harness = Harness(config=config)
        expect(harness.backend.supports("create_key"), "there is no create_key")
        expect(harness.backend.supports("load_signer"), "there is no load_signer")

    @rule("create.every-kind")
    def test_every_kind_is_created(self, harness: Harness, kind: KeySpec) -> None:
        """Each kind that is offered."""
        made = spec_of(harness.create(kind).public_key)
        expect(made == kind, f"asked for {kind}, it made {made}")

    @rule("create.every-kind")
    def test_an_unusual_rsa_size_is_made_or_refused(
        self, harness: Harness, offered: Capabilities, note: Callable[[str], None]
    ) -> None:
        """One that a store may round."""
        kind = unusual_rsa(offered)
        if kind is None:
            return
        try:
            made = spec_of(harness.create(kind).public_key)
        except KeyUnsupportedError:
            note(f"{self.backend}: does not make {kind}, and says so")
            return
        expect(made == kind, f"asked for {kind}, it made {made}")

    @rule("create.public-key")
    def test_the_public_key_is_of_the_key_that_signs(self, harness: Harness) -> None:
        """As the signer has it."""
        created = harness.create()
        expect(harness.truth(created) == spki(created.public_key), "the signer has another public key than create_key")

    @rule("create.fresh")
    def test_every_key_is_new(self, harness: Harness) -> None:
        """Two keys share nothing."""
        first, second = harness.create(), harness.create()
        expect(spki(first.public_key) != spki(second.public_key), "two creations answered the same key")
        expect(first.handle != second.handle, "two keys have the same handle")

    @rule("create.no-overwrite")
    def test_a_key_is_never_overwritten_by_a_new_one(self, harness: Harness) -> None:
        """Not even under the same key id."""
        key_id = new_id()
        first = harness.create(key_id=key_id)
        self._check_refused(harness, first, lambda: harness.create(key_id=key_id))
        rivals = [harness.fresh() for _ in range(CONTENDERS)]
        for rival in rivals:
            rival.secrets("create")  # binds it, which is not what is to be done at once
        for _ in range(ROUNDS):
            self._check_nothing_is_replaced(rivals, new_id())

    @rule("create.similar-ids")
    def test_ids_that_are_similar_are_of_different_keys(self, harness: Harness) -> None:
        """Each key has the whole of its id."""
        key_id = new_id()
        keys = {each: harness.create(key_id=each) for each in (key_id, *similar_ids(key_id))}
        public = {each: spki(key.public_key) for each, key in keys.items()}
        expect(len(set(public.values())) == len(keys), "two keys with similar ids are one")
        for each, key in keys.items():
            expect(harness.truth(key) == public[each], "the key of one id has the place of another")
            found = harness.find(each) if harness.backend.supports("find_key") else (key,)
            expect([spki(one.public_key) for one in found] == [public[each]], "a key is found under a similar id")

    @rule("find.by-id")
    def test_a_key_is_found_by_its_id(self, harness: Harness, note: Callable[[str], None]) -> None:
        """By another instance, as after a crash."""
        if not self.offers_hook(harness, "find_key", note):
            return
        key_id = new_id()
        harness.create()
        created = harness.create(key_id=key_id)
        found = harness.fresh().find(key_id)
        expect(len(found) == 1, f"{len(found)} keys are found under the id of one")
        expect(spki(found[0].public_key) == harness.truth(created), "another public key is found")
        expect(harness.use(found[0]), "the key that is found does not sign")

    @rule("find.unknown")
    def test_nothing_is_found_under_an_unknown_id(self, harness: Harness, note: Callable[[str], None]) -> None:
        """Although there are keys."""
        if not self.offers_hook(harness, "find_key", note):
            return
        harness.create()
        found = harness.find(new_id())
        expect(len(found) == 0, f"{len(found)} keys are found under an id that no key has")

    @rule("adopt.by-options")
    def test_a_key_is_adopted_by_what_the_options_say(
        self,
        harness: Harness,
        adoption: Callable[[CreatedKey], Mapping[str, Any]] | None,
        note: Callable[[str], None],
    ) -> None:
        """One that is there already."""
        if not self.offers_hook(harness, "find_key", note):
            return
        created = harness.create()
        harness.create()
        if adoption is None:
            self._check_refuses_to_adopt(harness, note)
            return
        options = harness.installation.backends.options(harness.alias, "adopt", adoption(created))
        found = harness.find(None, options)
        expect(len(found) == 1, f"{len(found)} keys are found by options that describe one")
        expect(spki(found[0].public_key) == harness.truth(created), "another key is found")
        expect(harness.use(found[0]), "the adopted key does not sign")

    @rule("import.same-key")
    def test_an_imported_key_is_the_one_that_was_given(
        self, harness: Harness, kind_of_type: KeySpec, note: Callable[[str], None]
    ) -> None:
        """One of each type of key; a type that is made in a device may be refused from elsewhere, but not all are."""
        if not self.offers_hook(harness, "import_key", note):
            return
        given, public_key = foreign_key(harness, kind_of_type)
        try:
            created = harness.import_key(given)
        except KeyUnsupportedError:
            expect(kind_of_type.type != harness.kind.type, "not even a key of the simplest kind is imported")
            note(f"{self.backend}: does not import {kind_of_type.type} keys, and says so")
            return
        expect(spki(created.public_key) == spki(public_key), "import_key answers another public key")
        with harness.lent(created) as signer:
            expect(spki(signer.public_key) == spki(public_key), "the stored key is another one")
            expect(harness.signs(signer), "the imported key does not sign")

    @rule("import.key-id")
    def test_an_imported_key_has_the_id_of_core(self, harness: Harness, note: Callable[[str], None]) -> None:
        """So an import that was interrupted is found again."""
        if not (self.offers_hook(harness, "import_key", note) and self.offers_hook(harness, "find_key", note)):
            return
        key_id = new_id()
        harness.import_key(foreign_key(harness)[0], key_id)
        found = harness.find(key_id)
        expect(len(found) == 1, f"{len(found)} keys are found under the key id of an imported one")

    @rule("import.no-overwrite")
    def test_a_key_is_never_overwritten_by_an_imported_one(self, harness: Harness, note: Callable[[str], None]) -> None:
        """Not even under the same key id."""
        if not self.offers_hook(harness, "import_key", note):
            return
        key_id = new_id()
        first = harness.create(key_id=key_id)
        self._check_refused(harness, first, lambda: harness.import_key(foreign_key(harness)[0], key_id))

    @rule("export.same-key")
    def test_an_exported_key_is_the_key(self, harness: Harness, note: Callable[[str], None]) -> None:
        """It can be moved elsewhere."""
        if not self.offers_hook(harness, "export_key", note):
            return
        self._check_exported(harness, harness.create())
        if harness.backend.supports("import_key"):
            self._check_exported(harness, harness.import_key(foreign_key(harness)[0]))

    @staticmethod
    def _check_exported(harness: Harness, created: CreatedKey) -> None:
        exported = harness.export(created)
        expect(isinstance(exported, Secret), f"export_key answered a {type(exported).__name__}, not a Secret")
        expect(exported.reveal_bytes().startswith(b"-----BEGIN PRIVATE KEY-----"), "it is not plain PEM PKCS#8")
        key = pkcs8.load_private_key(exported.reveal_bytes(), None, "exported key")
        expect(spki(key.public_key()) == harness.truth(created), "another key was handed out")

    @staticmethod
    def _check_refused(harness: Harness, first: CreatedKey, again: Callable[[], CreatedKey]) -> None:
        """A second key under the same id is refused, and the first stays."""
        truth = harness.truth(first)
        try:
            again()
        except Exception:  # of what type is the matter of another rule
            expect(
                harness.fresh().truth(first) == truth, "the second key was refused, and yet the first is another now"
            )
            return
        raise UnmetError("a second key was stored under the key id of the first")

    @staticmethod
    def _check_nothing_is_replaced(rivals: Sequence[Harness], key_id: bytes) -> None:
        """Of concurrent attempts to create a key under one id, the one that succeeds keeps its key."""
        answers = run_concurrently([partial(rival.create, key_id=key_id) for rival in rivals])
        won = [answer for answer in answers if not isinstance(answer, Exception)]
        for created in won:
            kept = rivals[0].truth(created) == spki(created.public_key)
            expect(kept, "two creations at once under one key id have succeeded, and the second has replaced the key")

    def _check_refuses_to_adopt(self, harness: Harness, note: Callable[[str], None]) -> None:
        try:
            harness.find(None)
        except OperationUnsupportedError:
            note(f"{self.backend}: adopts no keys, and says so")
            return
        raise UnmetError(f"it searches without a key id: {self.ask('adoption')}, or let it refuse to search")
