"""The rule that all of a secret counts: nothing is cut off, folded or re-encoded before it protects a key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from anchorhold.errors import AnchorholdError
from anchorhold.testing.fixtures import ContractFixtures
from anchorhold.testing.rules import UnmetError, expect, rule

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchorhold.plugin import CreatedKey
    from anchorhold.testing.harness import Harness
    from anchorhold.testing.secret_values import SecretValues

_LONG: Final = "correct horse battery staple " * 10
"""Longer than what is hashed of a password anywhere: bcrypt takes 72 octets, others 128 or 255."""
_ACCENTED: Final = " pässwört für ä "
"""Not ASCII, in UTF-8 longer than in characters, with blanks at both ends."""

_OTHERS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "the case of letters": ("Correct-Horse-Battery", ("correct-horse-battery", "CORRECT-HORSE-BATTERY")),
    "the end of a long one": (f"{_LONG}A", (f"{_LONG}B", _LONG)),
    "what follows a NUL": ("correct horse\0battery", ("correct horse\0staple", "correct horse")),
    "letters that are not ASCII, and blanks at its ends": (
        _ACCENTED,
        (_ACCENTED.strip(), _ACCENTED.rstrip(), _ACCENTED.replace("ä", "a"), _ACCENTED.replace("ä", "?")),
    ),
}
"""What may be lost of a secret: one, and others that must not open what it closes."""


class WholeSecretRules(ContractFixtures):
    """Secrets that are freely chosen, such as passwords."""

    @rule("secrets.whole")
    def test_all_of_a_secret_counts(self, harness: Harness, note: Callable[[str], None]) -> None:
        """Where a new key can have another secret than others have; a PIN or a token is what it is."""
        for name in harness.given_secrets:
            if not _is_free(harness, name):
                note(f"{self.backend}: the {name} of new keys is given, so no others are tried")
                continue
            for what, (value, others) in _OTHERS.items():
                given = harness.given_secrets.but(name, value)
                created = _created(harness, given, f"{name} with {what}")
                if created is None:
                    note(f"{self.backend}: refuses a {name} in which one sees whether it takes {what}")
                    continue
                opened = harness.fresh().usable(created, given)
                expect(opened, f"a key that was made with a {name} is not opened by it: it matters for {what}")
                for other in others:
                    opened = harness.fresh().usable(created, harness.given_secrets.but(name, other))
                    expect(not opened, f"a key is opened by another {name}: it does not take {what}")


def _is_free(harness: Harness, name: str) -> bool:
    """Whether a key may be made with any value, and is opened by that."""
    given = harness.given_secrets.but(name, "another secret of the contract")
    try:
        return harness.use(harness.create(given=given), given)
    except Exception:  # refused, as a wrong PIN is, or made for another secret
        return False


def _created(harness: Harness, given: SecretValues, how: str) -> CreatedKey | None:
    """A key, or None if the backend refuses to make it so; what it runs into otherwise is no refusal."""
    try:
        return harness.create(given=given)
    except AnchorholdError:
        return None
    except Exception as error:
        raise UnmetError(f"no key is made, for a {how}: {type(error).__name__}") from error
