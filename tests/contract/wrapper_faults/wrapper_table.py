"""Faulty variants of the right wrapper, each with one thing wrong, and the rule that must catch it.

``python -m contract.wrapper_faulting`` runs the contract against each of them and prints which rule has caught it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from contract.faults.table import Fault
from contract.wrapper_faults import guests, judging

if TYPE_CHECKING:
    from contract.right_wrapper import RightWrapper


def _fault(wrapper: type[RightWrapper], rule: str, *also: str) -> Fault:
    return Fault(f"{wrapper.__module__}:{wrapper.__name__}", rule, frozenset(also))


_EVERYTHING_ELSE: Final = ("pass.once", "pass.unchanged", "pass.errors")
"""What else a wrapper breaks that does not let signatures of some purpose pass."""

WRAPPER_FAULTS: Final = {
    "of-another-release": _fault(guests.OfAnotherRelease, "wrapper.binds"),
    "misspelt-argument": _fault(guests.MisspeltArgument, "wrapper.binds"),
    "implements": _fault(guests.Implements, "wrapper.binds"),
    "comes-first": _fault(guests.ComesFirst, "wrapper.order"),
    "one-for-all": _fault(guests.OneForAll, "wrapper.each-alias"),
    "connects-at-once": _fault(guests.ConnectsAtOnce, "wrapper.offline"),
    "takes-unknown-options": _fault(guests.TakesUnknownOptions, "settings.unknown"),
    "takes-any-value": _fault(guests.TakesAnyValue, "settings.validated"),
    "assumes-a-draft": _fault(judging.AssumesADraft, "pass.every-purpose", *_EVERYTHING_ELSE, "threads.apart"),
    "assumes-an-actor": _fault(judging.AssumesAnActor, "pass.every-purpose"),
    "skips-the-rest": _fault(judging.SkipsTheRest, "pass.every-purpose", *_EVERYTHING_ELSE),
    "signs-itself": _fault(judging.SignsItself, "pass.once"),
    "yields-twice": _fault(judging.YieldsTwice, "pass.every-purpose", "pass.errors", "pass.unchanged"),
    "forgets-the-signature": _fault(judging.ForgetsTheSignature, "pass.unchanged", "threads.apart"),
    "spoils-signatures": _fault(judging.SpoilsSignatures, "pass.unchanged", "threads.apart"),
    "adds-to-handles": _fault(judging.AddsToHandles, "pass.unchanged"),
    "finds-only-one": _fault(judging.FindsOnlyOne, "pass.unchanged"),
    "forgets-deletions": _fault(judging.ForgetsDeletions, "pass.unchanged"),
    "shows-another-key": _fault(judging.ShowsAnotherKey, "pass.unchanged", "pass.errors", "pass.once", "threads.apart"),
    "swallows-errors": _fault(judging.SwallowsErrors, "pass.errors"),
    "translates-errors": _fault(judging.TranslatesErrors, "pass.errors"),
    "catches-the-keyboard": _fault(judging.CatchesTheKeyboard, "pass.errors"),
    "broken-by-an-error": _fault(judging.BrokenByAnError, "pass.errors"),
    "refuses-afterwards": _fault(judging.RefusesAfterwards, "refuse.before"),
    "refuses-nothing": _fault(judging.RefusesNothing, "refuse.before", "refuse.only-that", "wrapper.each-alias"),
    "remembers-the-first": _fault(judging.RemembersTheFirst, "refuse.only-that", "wrapper.each-alias"),
    "refuses-for-ever": _fault(judging.RefusesForEver, "refuse.only-that", "wrapper.each-alias"),
    "judges-the-last-request": _fault(judging.JudgesTheLastRequest, "refuse.only-that"),
    "refuses-without-a-hint": _fault(judging.RefusesWithoutAHint, "refuse.hint"),
    "refuses-by-assertion": _fault(judging.RefusesByAssertion, "refuse.hint"),
    "keeps-exports": _fault(guests.KeepsExports, "secrets.not-kept"),
    "keeps-imports": _fault(guests.KeepsImports, "secrets.not-kept"),
    "writes-exports": _fault(guests.WritesExports, "secrets.not-kept"),
    "logs-exports": _fault(guests.LogsExports, "secrets.not-shown"),
    "logs-passwords": _fault(guests.LogsPasswords, "secrets.not-shown"),
    "holds-a-lock": _fault(guests.HoldsALock, "threads.overlap"),
    "keeps-the-signature": _fault(guests.KeepsTheSignature, "threads.apart"),
    "changes-the-umask": _fault(guests.ChangesTheUmask, "state.unchanged"),
    "changes-the-folder": _fault(guests.ChangesTheFolder, "state.unchanged"),
    "sets-a-variable": _fault(guests.SetsAVariable, "state.unchanged"),
    "handles-signals": _fault(guests.HandlesSignals, "state.unchanged"),
    "changes-the-timeout": _fault(guests.ChangesTheTimeout, "state.unchanged"),
    "configures-logging": _fault(guests.ConfiguresLogging, "state.unchanged"),
    "leaves-a-thread": _fault(guests.LeavesAThread, "state.nothing-left"),
    "leaks-descriptors": _fault(guests.LeaksDescriptors, "state.nothing-left"),
    "prints": _fault(guests.Prints, "state.quiet"),
    "warns": _fault(guests.Warns, "state.quiet"),
    "of-one-process": _fault(guests.OfOneProcess, "fork.both"),
    "slow": _fault(guests.Slow, "speed.little"),
    "heavy": Fault("contract.wrapper_faults.heavy_wrapper:HeavyWrapper", "wrapper.imports"),
}
"""Every fault by its name, which is that of the wrapper too."""
