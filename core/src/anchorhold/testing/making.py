"""Rules of making keys: created, brought from elsewhere, adopted, handed out."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from anchorhold import pkcs8
from anchorhold.errors import KeyUnsupportedError, OperationUnsupportedError
from anchorhold.publickeys import spec_of, spki
from anchorhold.seam import Secret
from anchorhold.testing.bench import Bench
from anchorhold.testing.crowd import at_once
from anchorhold.testing.rules import UnmetError, expect, rule
from anchorhold.testing.subject import Subject, foreign_key, new_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from anchorhold.algorithms import KeySpec
    from anchorhold.seam import CreatedKey

RIVALS: Final = 4
"""Creations at once under one key id."""
ROUNDS: Final = 2


class Making(Subject):
    """How keys come about."""

    @rule("seam.binds")
    def test_core_binds_it(self, config: Path) -> None:
        """Whatever core checks before the first call is in order; all other tests need that, too."""
        bench = Bench(config=config)
        expect(bench.backend.supports("create_key"), "there is no create_key")
        expect(bench.backend.supports("load_signer"), "there is no load_signer")

    @rule("create.every-kind")
    def test_every_kind_is_created(self, bench: Bench, kind: KeySpec) -> None:
        """Each kind that is offered."""
        made = spec_of(bench.create(kind).public_key)
        expect(made == kind, f"asked for {kind}, it made {made}")

    @rule("create.public-key")
    def test_the_public_key_is_of_the_key_that_signs(self, bench: Bench) -> None:
        """As the signer has it."""
        created = bench.create()
        expect(bench.truth(created) == spki(created.public_key), "the signer has another public key than create_key")

    @rule("create.fresh")
    def test_every_key_is_new(self, bench: Bench) -> None:
        """Two keys share nothing."""
        first, second = bench.create(), bench.create()
        expect(spki(first.public_key) != spki(second.public_key), "two creations answered the same key")
        expect(first.handle != second.handle, "two keys have the same handle")

    @rule("create.no-overwrite")
    def test_a_key_is_never_overwritten_by_a_new_one(self, bench: Bench) -> None:
        """Not even under the same key id."""
        key_id = new_id()
        first = bench.create(key_id=key_id)
        self._check_refused(bench, first, lambda: bench.create(key_id=key_id))
        rivals = [bench.fresh() for _ in range(RIVALS)]
        for rival in rivals:
            rival.secrets("create")  # binds it, which is not what is to be done at once
        for _ in range(ROUNDS):
            self._check_nothing_is_replaced(rivals, new_id())

    @rule("find.by-id")
    def test_a_key_is_found_by_its_id(self, bench: Bench, note: Callable[[str], None]) -> None:
        """By another instance, as after a crash."""
        if not self.offers_hook(bench, "find_key", note):
            return
        key_id = new_id()
        bench.create()
        created = bench.create(key_id=key_id)
        found = bench.fresh().find(key_id)
        expect(len(found) == 1, f"{len(found)} keys are found under the id of one")
        expect(spki(found[0].public_key) == bench.truth(created), "another public key is found")
        expect(bench.use(found[0]), "the key that is found does not sign")

    @rule("find.unknown")
    def test_nothing_is_found_under_an_unknown_id(self, bench: Bench, note: Callable[[str], None]) -> None:
        """Although there are keys."""
        if not self.offers_hook(bench, "find_key", note):
            return
        bench.create()
        found = bench.find(new_id())
        expect(len(found) == 0, f"{len(found)} keys are found under an id that no key has")

    @rule("adopt.by-options")
    def test_a_key_is_adopted_by_what_the_options_say(
        self,
        bench: Bench,
        adoption: Callable[[CreatedKey], Mapping[str, Any]] | None,
        note: Callable[[str], None],
    ) -> None:
        """One that is there already."""
        if not self.offers_hook(bench, "find_key", note):
            return
        created = bench.create()
        bench.create()
        if adoption is None:
            self._check_refuses_to_adopt(bench, note)
            return
        options = bench.installation.backends.options(bench.alias, "adopt", adoption(created))
        found = bench.find(None, options)
        expect(len(found) == 1, f"{len(found)} keys are found by options that describe one")
        expect(spki(found[0].public_key) == bench.truth(created), "another key is found")
        expect(bench.use(found[0]), "the adopted key does not sign")

    @rule("import.same-key")
    def test_an_imported_key_is_the_one_that_was_given(
        self, bench: Bench, kind_of_type: KeySpec, note: Callable[[str], None]
    ) -> None:
        """One of each type of key; a type that is made in a device may be refused from elsewhere, but not all are."""
        if not self.offers_hook(bench, "import_key", note):
            return
        given, public_key = foreign_key(bench, kind_of_type)
        try:
            created = bench.import_key(given)
        except KeyUnsupportedError:
            expect(kind_of_type.type != bench.kind.type, "not even a key of the simplest kind is imported")
            note(f"{self.backend}: does not import {kind_of_type.type} keys, and says so")
            return
        expect(spki(created.public_key) == spki(public_key), "import_key answers another public key")
        signer = bench.load(created)
        expect(spki(signer.public_key) == spki(public_key), "the stored key is another one")
        expect(bench.signs(signer), "the imported key does not sign")
        signer.close()

    @rule("import.key-id")
    def test_an_imported_key_has_the_id_of_core(self, bench: Bench, note: Callable[[str], None]) -> None:
        """So an import that was interrupted is found again."""
        if not (self.offers_hook(bench, "import_key", note) and self.offers_hook(bench, "find_key", note)):
            return
        key_id = new_id()
        bench.import_key(foreign_key(bench)[0], key_id)
        found = bench.find(key_id)
        expect(len(found) == 1, f"{len(found)} keys are found under the key id of an imported one")

    @rule("import.no-overwrite")
    def test_a_key_is_never_overwritten_by_an_imported_one(self, bench: Bench, note: Callable[[str], None]) -> None:
        """Not even under the same key id."""
        if not self.offers_hook(bench, "import_key", note):
            return
        key_id = new_id()
        first = bench.create(key_id=key_id)
        self._check_refused(bench, first, lambda: bench.import_key(foreign_key(bench)[0], key_id))

    @rule("export.same-key")
    def test_an_exported_key_is_the_key(self, bench: Bench, note: Callable[[str], None]) -> None:
        """It can be moved elsewhere."""
        if not self.offers_hook(bench, "export_key", note):
            return
        created = bench.create()
        exported = bench.export(created)
        expect(isinstance(exported, Secret), f"export_key answered a {type(exported).__name__}, not a Secret")
        expect(exported.reveal_bytes().startswith(b"-----BEGIN PRIVATE KEY-----"), "it is not plain PEM PKCS#8")
        key = pkcs8.load_private_key(exported.reveal_bytes(), None, "exported key")
        expect(spki(key.public_key()) == bench.truth(created), "another key was handed out")

    @staticmethod
    def _check_refused(bench: Bench, first: CreatedKey, again: Callable[[], CreatedKey]) -> None:
        """A second key under the same id is refused, and the first stays."""
        truth = bench.truth(first)
        try:
            again()
        except Exception:  # of what type is the matter of another rule
            expect(bench.fresh().truth(first) == truth, "the second key was refused, and yet the first is another now")
            return
        raise UnmetError("a second key was stored under the key id of the first")

    @staticmethod
    def _check_nothing_is_replaced(rivals: Sequence[Bench], key_id: bytes) -> None:
        """Whoever succeeds in creating a key under one id at the same moment as others keeps that key."""
        answers = at_once([partial(rival.create, key_id=key_id) for rival in rivals])
        won = [answer for answer in answers if not isinstance(answer, Exception)]
        for created in won:
            kept = rivals[0].truth(created) == spki(created.public_key)
            expect(kept, "two creations at once under one key id have succeeded, and the second has replaced the key")

    def _check_refuses_to_adopt(self, bench: Bench, note: Callable[[str], None]) -> None:
        try:
            bench.find(None)
        except OperationUnsupportedError:
            note(f"{self.backend}: adopts no keys, and says so")
            return
        raise UnmetError(f"it searches without a key id: {self.ask('adoption')}, or let it refuse to search")
