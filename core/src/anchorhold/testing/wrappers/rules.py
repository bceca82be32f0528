"""The rules for wrappers: one table, beside that of key backends in `anchorhold.testing.rules`."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Final, ParamSpec

from anchorhold.testing.rules import Rule, explanations_in, tied_to

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")

WRAPPER_GUIDE: Final = "docs/authors/wrappers.md"
"""The page of the guide that explains each rule; `WRAPPER_EXPLAINED` has the same text."""
WRAPPER_EXPLAINED: Final = "wrapper_rule_explanations.md"


@dataclass(frozen=True, slots=True)
class WrapperRule(Rule):
    """One rule for wrappers."""

    @property
    def anchor(self) -> str:
        """Where it is explained: a place in `WRAPPER_GUIDE`."""
        return f"{WRAPPER_GUIDE}#{self.id.replace('.', '-')}"

    @property
    def explanation(self) -> str:
        """What the guide says about it."""
        return _explanations()[self.id]


@functools.cache
def _explanations() -> dict[str, str]:
    return explanations_in(files("anchorhold.testing").joinpath(WRAPPER_EXPLAINED).read_text(encoding="utf-8"))


_TABLE: Final = (
    WrapperRule("wrapper.binds", "Core binds the wrapper: it wraps hooks only, with the right arguments."),
    WrapperRule("wrapper.order", "The order among wrappers is that of the settings."),
    WrapperRule("wrapper.each-alias", "Each alias and each role has an instance, and none disturbs another."),
    WrapperRule("wrapper.offline", "Construction needs no network."),
    WrapperRule("wrapper.imports", "Importing the wrapper loads no library of others.", slow=True),
    WrapperRule("settings.unknown", "An option that is not known is refused when the settings are read."),
    WrapperRule("settings.validated", "A value of a wrong kind is refused for every option of the wrapper."),
    WrapperRule("pass.every-purpose", "Signatures of every purpose pass, with an actor and without."),
    WrapperRule("pass.once", "For each signature that is asked for, the key signs once."),
    WrapperRule("pass.unchanged", "What a hook answers comes out as it was."),
    WrapperRule("pass.errors", "An error of the backend comes out as it was, and what follows works."),
    WrapperRule("refuse.before", "What is refused is never signed."),
    WrapperRule("refuse.only-that", "Each request of a batch is judged, and only what must be refused is."),
    WrapperRule("refuse.hint", "A refusal is an error of anchorhold that says what to do."),
    WrapperRule("secrets.not-kept", "No secret and no private key stays in the wrapper or in a file."),
    WrapperRule("secrets.not-shown", "No secret and no private key is logged, printed or shown by repr."),
    WrapperRule("threads.overlap", "Signatures of several threads overlap."),
    WrapperRule("threads.apart", "What threads ask for at once is not mixed up."),
    WrapperRule("state.unchanged", "The state of the process stays as it was."),
    WrapperRule("state.nothing-left", "No thread and no descriptor is left behind by signatures."),
    WrapperRule("state.quiet", "Nothing is printed or warned about."),
    WrapperRule("fork.both", "After a fork both processes go on signing.", slow=True),
    WrapperRule("speed.little", "A signature takes little longer than without the wrapper."),
)

WRAPPER_RULES: Final = {rule.id: rule for rule in _TABLE}
"""Every rule for wrappers by its id, in the order of the guide."""


def wrapper_rule(name: str) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Tie a test to the one rule it is for, so that its failures say so.

    Args:
        name: The id of the rule.
    """
    return tied_to(WRAPPER_RULES[name])
