"""Faulty variants of the backend of files, each with one thing wrong, and the rule that must catch it.

``python -m contract.faulting`` runs the contract against each of them and prints which rule has caught it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from anchorhold.testing.rules import TIME_LIMIT
from contract.faults import (
    at_rest,
    batches,
    ids,
    inventories,
    keys,
    manners,
    nonces,
    password_values,
    passwords,
    places,
    processes,
    signers,
    surroundings,
)

if TYPE_CHECKING:
    from contract.file_backend import FileBackend


@dataclass(frozen=True)
class Fault:
    """One faulty variant.

    Attributes:
        backend: Where its class is, as entry points have it.
        rule: The rule that must catch it.
        also: Rules that it cannot help breaking as well.
        shown: Of a fault that breaks no rule, for it may be nobody's fault: what the run says of it.
        limit: Seconds that a test of a rule may take, for faults that wait for ever.
    """

    backend: str
    rule: str
    also: frozenset[str] = frozenset()
    shown: str = ""
    limit: float = TIME_LIMIT

    @property
    def breaks(self) -> frozenset[str]:
        """All rules that it breaks."""
        return self.also if self.shown else self.also | {self.rule}


def _fault(backend: type[FileBackend], rule: str, *also: str, shown: str = "", limit: float = TIME_LIMIT) -> Fault:
    return Fault(f"{backend.__module__}:{backend.__name__}", rule, frozenset(also), shown, limit)


_PROTECTION: Final = ("secrets.wrong", "secrets.missing", "secrets.empty")
"""What a key breaks that opens without its secret."""

FAULTS: Final = {
    "of-another-release": _fault(manners.OfAnotherRelease, "plugin.binds"),
    "misspelt-argument": _fault(manners.MisspeltArgument, "plugin.binds"),
    "another-public-key": _fault(keys.AnotherPublicKey, "create.public-key", "create.no-overwrite", "sign.threads"),
    "same-key-each-time": _fault(keys.SameKeyEachTime, "create.fresh"),
    "another-curve": _fault(keys.AnotherCurve, "create.every-kind"),
    "curve-that-does-not-work": _fault(keys.CurveThatDoesNotWork, "create.every-kind", "sign.every-algorithm"),
    "makes-what-it-does-not-offer": _fault(keys.MakesWhatItDoesNotOffer, "capabilities.offered"),
    "keeps-what-it-refuses": _fault(keys.KeepsWhatItRefuses, "capabilities.offered"),
    "overwrites-keys": _fault(keys.OverwritesKeys, "create.no-overwrite"),
    "looks-first": _fault(keys.LooksFirst, "create.no-overwrite"),
    "import-overwrites": _fault(keys.ImportOverwrites, "import.no-overwrite"),
    "import-stores-another": _fault(keys.ImportStoresAnother, "import.same-key"),
    "import-ignores-id": _fault(keys.ImportIgnoresId, "import.key-id", "import.no-overwrite"),
    "exports-encrypted": _fault(keys.ExportsEncrypted, "export.same-key"),
    "exports-what-it-remembers": _fault(keys.ExportsWhatItRemembers, "use.gone", *_PROTECTION),
    "finds-nothing": _fault(keys.FindsNothing, "find.by-id", "import.key-id"),
    "finds-anything": _fault(keys.FindsAnything, "find.unknown"),
    "adopts-anything": _fault(keys.AdoptsAnything, "adopt.by-options"),
    "shares-its-folder": _fault(places.SharesItsFolder, "aliases.apart"),
    "caches-for-all-aliases": _fault(places.CachesForAllAliases, "aliases.apart"),
    "handle-is-not-json": _fault(places.HandleIsNotJson, "handle.json"),
    "handle-without-version": _fault(places.HandleWithoutVersion, "handle.version", "handle.old-versions"),
    "handle-of-tomorrow": _fault(places.HandleOfTomorrow, "handle.version"),
    "handle-changes": _fault(places.HandleChanges, "handle.stable"),
    "handle-of-this-process": _fault(places.HandleOfThisProcess, "handle.fresh-process"),
    "forgets-old-handles": _fault(places.ForgetsOldHandles, "handle.old-versions"),
    "remembers-keys": _fault(places.RemembersKeys, "use.gone"),
    "key-left-after-delete": _fault(places.KeyLeftAfterDelete, "delete.gone", "errors.unreachable"),
    "only-says-it-deletes": _fault(places.OnlySaysItDeletes, "delete.gone", "delete.twice", "errors.unreachable"),
    "always-says-it-deleted": _fault(places.AlwaysSaysItDeleted, "delete.twice", "aliases.apart"),
    "deletes-too-much": _fault(places.DeletesTooMuch, "delete.others-stay"),
    "keeps-keys-of-responders": _fault(places.KeepsKeysOfResponders, "ocsp.unattended"),
    "keys-of-responders-in-memory": _fault(places.KeysOfRespondersInMemory, "ocsp.unattended"),
    "one-temporary-name": _fault(places.OneTemporaryName, "sign.threads"),
    "ignores-the-hash": _fault(signers.IgnoresTheHash, "sign.every-algorithm", "batch.each-its-own"),
    "hashes-twice": _fault(signers.HashesTwice, "sign.any-length"),
    "takes-no-long-message": _fault(signers.TakesNoLongMessage, "sign.any-length"),
    "lying-signer": _fault(signers.LyingSigner, "sign.many-times", "batch.each-its-own", "batch.threads"),
    "leaks-descriptors": _fault(signers.LeaksDescriptors, "sign.many-times"),
    "not-for-threads": _fault(signers.NotForThreads, "sign.threads", "batch.threads"),
    "closes-all-signers": _fault(signers.ClosesAllSigners, "sign.signers-apart", "sign.threads"),
    "breaks-after-fork": _fault(places.BreaksAfterFork, "processes.fork"),
    "signer-of-one-process": _fault(signers.SignerOfOneProcess, "processes.fork"),
    "half-a-key-when-killed": _fault(places.HalfAKeyWhenKilled, "processes.killed", "create.no-overwrite"),
    "orphan-when-killed": _fault(places.OrphanWhenKilled, "processes.killed"),
    "accepts-wrong-password": _fault(passwords.AcceptsWrongPassword, "secrets.wrong"),
    "remembers-password": _fault(passwords.RemembersPassword, "secrets.missing", "secrets.empty"),
    "empty-password-is-none": _fault(passwords.EmptyPasswordIsNone, "secrets.empty"),
    "imports-plain": _fault(passwords.ImportsPlain, "secrets.missing", *_PROTECTION),
    "password-in-repr": _fault(passwords.PasswordInRepr, "secrets.not-in-repr"),
    "password-in-pickle": _fault(passwords.PasswordInPickle, "secrets.not-in-pickles"),
    "password-in-handle": _fault(passwords.PasswordInHandle, "secrets.not-in-handles"),
    "generated-password-in-handle": _fault(passwords.GeneratedPasswordInHandle, "secrets.not-in-handles"),
    "password-in-error": _fault(passwords.PasswordInError, "secrets.not-in-errors"),
    "password-in-cause": _fault(passwords.PasswordInCause, "secrets.not-in-errors"),
    "password-in-log": _fault(passwords.PasswordInLog, "secrets.not-in-logs"),
    "imported-key-in-log": _fault(passwords.ImportedKeyInLog, "secrets.not-in-logs"),
    "export-in-log": _fault(passwords.ExportInLog, "secrets.not-in-logs"),
    "password-on-descriptor": _fault(passwords.PasswordOnDescriptor, "secrets.not-in-logs"),
    "password-in-quiet-logger": _fault(passwords.PasswordInQuietLogger, "secrets.not-in-logs"),
    "bare-exceptions": _fault(manners.BareExceptions, "errors.types", "errors.unreachable"),
    "bare-export": _fault(manners.BareExport, "errors.types"),
    "no-hint": _fault(manners.NoHint, "errors.hint"),
    "unreachable-is-empty": _fault(places.UnreachableIsEmpty, "errors.unreachable"),
    "deletes-what-it-cannot-reach": _fault(places.DeletesWhatItCannotReach, "errors.unreachable"),
    "imports-blindly": _fault(places.ImportsBlindly, "errors.unreachable"),
    "not-implemented-yet": _fault(
        manners.NotImplementedYet,
        "hooks.missing",
        *("export.same-key", "errors.types", "errors.unreachable", "secrets.not-in-logs"),
    ),
    "answers-nothing": _fault(manners.AnswersNothing, "hooks.missing", "delete.twice", "aliases.apart"),
    "allows-anything": _fault(manners.DeclaresToAllowAnything, "capabilities.declared"),
    "takes-unknown-options": _fault(manners.TakesUnknownOptions, "options.unknown"),
    "takes-any-value": _fault(manners.TakesAnyValue, "options.validated"),
    "takes-a-flag-of-core": _fault(manners.TakesAFlagOfCore, "cli.collisions"),
    "bad-option-name": _fault(manners.BadOptionName, "cli.names", "adopt.by-options"),
    "asks-in-ocsp-store": _fault(manners.AsksInOcspStore, "ocsp.unattended"),
    "cuts-ids": _fault(ids.CutsIds, "create.similar-ids", "delete.others-stay"),
    "cuts-ids-in-front": _fault(ids.CutsIdsInFront, "create.similar-ids", "delete.others-stay"),
    "finds-by-prefix": _fault(ids.FindsByPrefix, "create.similar-ids"),
    "deletes-by-prefix": _fault(ids.DeletesByPrefix, "delete.others-stay"),
    "deletes-by-suffix": _fault(ids.DeletesBySuffix, "delete.others-stay"),
    "writes-into-the-handle": _fault(ids.WritesIntoTheHandle, "handle.untouched"),
    "marks-deleted-handles": _fault(ids.MarksDeletedHandles, "handle.untouched"),
    "counts-in-its-handles": _fault(ids.CountsInItsHandles, "handle.untouched"),
    "rounds-rsa-sizes": _fault(ids.RoundsRsaSizes, "create.every-kind"),
    "fails-with-unusual-rsa-sizes": _fault(ids.FailsWithUnusualRsaSizes, "create.every-kind"),
    "exports-only-its-own": _fault(ids.ExportsOnlyItsOwn, "export.same-key"),
    "exports-imported-keys-as-they-came": _fault(ids.ExportsImportedKeysAsTheyCame, "export.same-key"),
    "repeats-its-nonce": _fault(nonces.RepeatsItsNonce, "sign.nonces"),
    "nonces-of-each-signer": _fault(nonces.NoncesOfEachSigner, "sign.nonces"),
    "nonces-of-each-process": _fault(nonces.NoncesOfEachProcess, "sign.nonces"),
    "stops-after-some": _fault(signers.StopsAfterSome, "sign.many-times"),
    "slow-now-and-then": _fault(signers.SlowNowAndThen, "sign.many-times", shown="of 400 signatures are slow"),
    "signs-after-close": _fault(signers.SignsAfterClose, "sign.closed", "batch.closed"),
    "fails-to-close": _fault(signers.FailsToClose, "sign.close"),
    "closes-what-it-has-opened": _fault(signers.ClosesWhatItHasOpened, "sign.close"),
    "waits-for-itself": _fault(signers.WaitsForItself, "sign.threads", "batch.threads", limit=2.0),
    "waits-for-ever": _fault(signers.WaitsForEver, "sign.any-length", limit=2.0),
    "waits-for-what-it-cannot-reach": _fault(places.WaitsForWhatItCannotReach, "errors.unreachable"),
    "place-by-working-folder": _fault(surroundings.PlaceByWorkingFolder, "handle.place"),
    "place-by-time-of-day": _fault(surroundings.PlaceByTimeOfDay, "handle.place"),
    "place-by-date": _fault(surroundings.PlaceByDate, "handle.place"),
    "place-by-variable": _fault(surroundings.PlaceByVariable, "handle.place"),
    "place-by-variable-at-import": _fault(surroundings.PlaceByVariableAtImport, "handle.place"),
    "place-by-home": _fault(surroundings.PlaceByHome, "handle.place"),
    "place-by-session": _fault(surroundings.PlaceBySession, "handle.place"),
    "place-by-time-zone": _fault(surroundings.PlaceByTimeZone, "handle.place"),
    "place-by-temporary-folder": _fault(surroundings.PlaceByTemporaryFolder, "handle.place"),
    "cuts-passwords": _fault(password_values.CutsPasswords, "secrets.whole"),
    "cuts-long-passwords": _fault(password_values.CutsLongPasswords, "secrets.whole"),
    "stops-at-nul": _fault(password_values.StopsAtNul, "secrets.whole"),
    "ignores-case": _fault(password_values.IgnoresCase, "secrets.whole"),
    "strips-passwords": _fault(password_values.StripsPasswords, "secrets.whole"),
    "replaces-what-is-not-ascii": _fault(password_values.ReplacesWhatIsNotAscii, "secrets.whole"),
    "knows-only-ascii": _fault(password_values.KnowsOnlyAscii, "secrets.whole"),
    "changes-what-it-opens-with": _fault(password_values.ChangesWhatItOpensWith, "secrets.whole"),
    "only-compares-passwords": _fault(at_rest.OnlyComparesPasswords, "secrets.at-rest"),
    "only-hides-keys": _fault(at_rest.OnlyHidesKeys, "secrets.at-rest"),
    "leaves-a-plain-key": _fault(at_rest.LeavesAPlainKey, "secrets.at-rest", "processes.nothing-left"),
    "keeps-what-it-imports": _fault(at_rest.KeepsWhatItImports, "secrets.at-rest"),
    "keeps-what-it-exports": _fault(at_rest.KeepsWhatItExports, "secrets.at-rest"),
    "key-in-handle": _fault(at_rest.KeyInHandle, "secrets.at-rest"),
    "files-for-everybody": _fault(at_rest.FilesForEverybody, "secrets.files"),
    "files-that-everybody-writes": _fault(at_rest.FilesThatEverybodyWrites, "secrets.files"),
    "asks-for-the-password": _fault(at_rest.AsksForThePassword, "secrets.no-prompt"),
    "asks-by-input": _fault(at_rest.AsksByInput, "secrets.no-prompt"),
    "sets-the-umask": _fault(processes.SetsTheUmask, "processes.unchanged"),
    "changes-the-folder": _fault(processes.ChangesTheFolder, "processes.unchanged", "errors.unreachable"),
    "sets-a-variable": _fault(processes.SetsAVariable, "processes.unchanged"),
    "takes-a-signal": _fault(processes.TakesASignal, "processes.unchanged"),
    "leaves-a-timer": _fault(processes.LeavesATimer, "processes.unchanged"),
    "sets-the-socket-timeout": _fault(processes.SetsTheSocketTimeout, "processes.unchanged"),
    "configures-logging": _fault(processes.ConfiguresLogging, "processes.unchanged"),
    "replaces-the-hook-for-errors": _fault(processes.ReplacesTheHookForErrors, "processes.unchanged"),
    "extends-the-search-path": _fault(processes.ExtendsTheSearchPath, "processes.unchanged"),
    "raises-the-recursion-limit": _fault(processes.RaisesTheRecursionLimit, "processes.unchanged"),
    "logs-into-the-working-folder": _fault(processes.LogsIntoTheWorkingFolder, "processes.nothing-left"),
    "leaves-a-temporary-file": _fault(processes.LeavesATemporaryFile, "processes.nothing-left"),
    "leaves-a-thread": _fault(processes.LeavesAThread, "processes.nothing-left"),
    "thread-for-each-signer": _fault(processes.ThreadForEachSigner, "processes.nothing-left"),
    "connection-for-each-signer": _fault(processes.ConnectionForEachSigner, "processes.nothing-left"),
    "answers-backwards": _fault(batches.AnswersBackwards, "batch.each-its-own", "batch.refuses-one", "batch.threads"),
    "hashes-all-the-same": _fault(batches.HashesAllTheSame, "batch.each-its-own"),
    "takes-half-a-batch": _fault(batches.TakesHalfABatch, "batch.each-its-own"),
    "takes-no-batch-of-one": _fault(batches.TakesNoBatchOfOne, "batch.each-its-own"),
    "one-spoils-the-batch": _fault(batches.OneSpoilsTheBatch, "batch.refuses-one"),
    "leaves-out-what-it-refuses": _fault(batches.LeavesOutWhatItRefuses, "batch.refuses-one"),
    "answers-nothing-for-what-it-refuses": _fault(batches.AnswersNothingForWhatItRefuses, "batch.refuses-one"),
    "stops-at-what-it-refuses": _fault(batches.StopsAtWhatItRefuses, "batch.refuses-one"),
    "signs-batches-after-close": _fault(batches.SignsBatchesAfterClose, "batch.closed"),
    "shares-its-batch": _fault(batches.SharesItsBatch, "batch.threads"),
    "lists-half-of-the-id": _fault(inventories.ListsHalfOfTheId, "list.exact"),
    "lists-no-ids": _fault(inventories.ListsNoIds, "list.exact"),
    "lists-each-twice": _fault(inventories.ListsEachTwice, "list.exact"),
    "lists-what-it-has-made": _fault(inventories.ListsWhatItHasMade, "list.exact"),
    "lists-nothing-that-was-imported": _fault(inventories.ListsNothingThatWasImported, "list.exact"),
    "lists-what-is-gone": _fault(inventories.ListsWhatIsGone, "list.exact"),
    "remembers-its-list": _fault(inventories.RemembersItsList, "list.exact"),
    "lists-other-places": _fault(inventories.ListsOtherPlaces, "list.exact"),
    "needs-a-password-to-list": _fault(inventories.NeedsAPasswordToList, "list.exact"),
    "makes-a-key-when-it-lists": _fault(inventories.MakesAKeyWhenItLists, "list.changes-nothing"),
    "moves-what-it-describes": _fault(
        inventories.MovesWhatItDescribes,
        "list.changes-nothing",
        *("describe.true", "describe.stable", "secrets.not-in-lists"),
    ),
    "lists-nothing-where-it-cannot-reach": _fault(inventories.ListsNothingWhereItCannotReach, "errors.unreachable"),
    "describes-what-it-cannot-reach": _fault(inventories.DescribesWhatItCannotReach, "errors.unreachable"),
    "says-that-all-was-made-here": _fault(inventories.SaysThatAllWasMadeHere, "describe.true"),
    "says-that-nothing-leaves": _fault(inventories.SaysThatNothingLeaves, "describe.true"),
    "does-not-know-what-it-hands-out": _fault(inventories.DoesNotKnowWhatItHandsOut, "describe.true"),
    "says-that-all-was-made-elsewhere": _fault(
        inventories.SaysThatAllWasMadeElsewhere, "describe.true", shown="that it was made elsewhere"
    ),
    "knows-what-this-process-has-made": _fault(inventories.KnowsWhatThisProcessHasMade, "describe.stable"),
    "place-of-this-process": _fault(inventories.PlaceOfThisProcess, "describe.stable"),
    "describes-what-is-gone": _fault(inventories.DescribesWhatIsGone, "describe.gone"),
    "remembers-descriptions": _fault(inventories.RemembersDescriptions, "describe.gone"),
    "describes-barely": _fault(inventories.DescribesBarely, "errors.types"),
    "password-in-place": _fault(inventories.PasswordInPlace, "secrets.not-in-lists"),
    "password-in-list": _fault(inventories.PasswordInList, "secrets.not-in-lists"),
    "imported-key-in-place": _fault(inventories.ImportedKeyInPlace, "secrets.not-in-lists", "describe.stable"),
    "heavy-import": Fault("contract.faults.heavy:HeavyBackend", "start.imports"),
}
"""Every fault by its name, which is its backend type too."""
