"""Rules of good manners: what a backend leaves behind, and what around the process it must not depend on or change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

import pytest

from anchorhold.testing import subprocess_runner
from anchorhold.testing.fixtures import ContractFixtures, new_id
from anchorhold.testing.nonces import repeated_nonces
from anchorhold.testing.rules import expect, rule
from anchorhold.testing.whole_life import ROUNDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorhold.testing.harness import Harness

_HOME: Final = "HOME"


class SurroundingRules(ContractFixtures):
    """What is judged by one child process, which lives the whole life of keys."""

    _lives: ClassVar[dict[tuple[type, str], dict[str, Any]]] = {}
    """What the child of each class and parameter has answered: one is enough for all rules."""

    @pytest.fixture
    def life(self, request: pytest.FixtureRequest, harness: Harness) -> Callable[[], dict[str, Any]]:
        """What the child has answered, which is asked for within a rule, so that the rule tells of its failure."""
        place = type(self), request.node.name.partition("[")[2]

        def lived() -> dict[str, Any]:
            if place not in self._lives:
                self._lives[place] = subprocess_runner.run(harness, "live")
                harness.made.extend(map(subprocess_runner.from_json, self._lives[place]["keys"]))
            return self._lives[place]

        return lived

    @rule("handle.place")
    def test_the_place_of_a_key_is_fixed(self, harness: Harness) -> None:
        """In another folder, session and time zone, at another time of day, with other variables."""
        key_id = new_id()
        key = subprocess_runner.as_json(harness.create(key_id=key_id))
        told: dict[str, Any] = {"key": key, "key_id": key_id.hex(), "packages": sorted(harness.packages)}
        found = subprocess_runner.run(harness, "look for a key elsewhere", **told)
        where = "in another working folder, session and time zone"
        expect(found["now"] is None, f"{where} {found['now']}")
        expect(found["later"] is None, f"at another time of day {found['later']}")
        read = [name for name in found["read"] if not _in_settings(name, harness.config.read_text())]
        if read:
            others = dict.fromkeys(read, str(harness.config.parent / "another-value"))
            found = subprocess_runner.run(harness, "look for a key elsewhere", variables=others, **told)
            expect(found["now"] is None, f"with another value of {', '.join(read)} {found['now']}")

    @rule("sign.nonces")
    def test_no_number_is_used_for_two_signatures(
        self, harness: Harness, life: Callable[[], dict[str, Any]], note: Callable[[str], None]
    ) -> None:
        """By one signer, by two, with two keys, in two processes; each message is another one."""
        if harness.kind.type != "EC":
            note(f"{self.backend}: makes no ECDSA signatures of the simplest kind, whose r could be compared")
            return
        signatures = [bytes.fromhex(signature) for signature in life()["signatures"]]
        repeated = repeated_nonces(harness, signatures)
        expect(not repeated, f"{repeated} signatures over different messages have the r of another")

    @rule("processes.unchanged")
    def test_the_process_stays_as_it_was(self, life: Callable[[], dict[str, Any]]) -> None:
        """After the whole life of some keys."""
        changed = life()["changed"]
        expect(not changed, f"it is another now: {', '.join(changed)}")

    @rule("processes.nothing-left")
    def test_nothing_is_left_behind(self, life: Callable[[], dict[str, Any]]) -> None:
        """When signers are closed and calls have returned."""
        for name, count in life()["more"].items():
            expect(count < ROUNDS, f"after {ROUNDS} more signers were closed there are {count} more {name}")
        lingering, left = life()["lingering"], life()["left"]
        expect(not lingering, f"threads go on and keep the process from its end: {', '.join(lingering)}")
        expect(not left, f"files are left in the working folder or the temporary one: {', '.join(left)}")

    @rule("secrets.at-rest")
    def test_no_private_key_lies_in_plain(
        self, harness: Harness, life: Callable[[], dict[str, Any]], note: Callable[[str], None]
    ) -> None:
        """In no file that was written, be it temporary, and in no handle."""
        if not harness.given_secrets:
            return
        if not life()["known"]:
            note(f"{self.backend}: no private key is known to the contract, so none is looked for where keys are kept")
        plain = life()["plain"]
        expect(not plain, f"a private key is readable without its secret: {', '.join(plain)}")
        expect(not life()["plain_handles"], "a private key is in its handle")

    @rule("secrets.files")
    def test_files_are_closed_to_others(self, life: Callable[[], dict[str, Any]]) -> None:
        """Those that were written or changed; a folder that was made for them may protect them."""
        opened = life()["open"]
        expect(not opened, f"every account can read or write {', '.join(opened)}")

    @rule("secrets.no-prompt")
    def test_nobody_is_asked_behind_cores_back(self, life: Callable[[], dict[str, Any]]) -> None:
        """With secrets and without them."""
        asked = life()["questions"]
        expect(not asked, f"a person was asked at the terminal: {'; '.join(asked[:3])}")


def _in_settings(variable: str, settings: str) -> bool:
    """Whether the settings themselves make the place depend on a variable."""
    return variable in settings or (variable == _HOME and "~" in settings)
