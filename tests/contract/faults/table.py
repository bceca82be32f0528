"""Faulty variants of the backend of files, each with one thing wrong, and the rule that must catch it.

``python -m contract.faulting`` runs the contract against each of them and prints which rule has caught it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from contract.faults import keys, manners, passwords, places, signers

if TYPE_CHECKING:
    from contract.file_backend import FileBackend


@dataclass(frozen=True)
class Fault:
    """One faulty variant.

    Attributes:
        backend: Where its class is, as entry points have it.
        rule: The rule that must catch it.
        also: Rules that it cannot help breaking as well.
    """

    backend: str
    rule: str
    also: frozenset[str] = frozenset()


def _fault(backend: type[FileBackend], rule: str, *also: str) -> Fault:
    return Fault(f"{backend.__module__}:{backend.__name__}", rule, frozenset(also))


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
    "ignores-the-hash": _fault(signers.IgnoresTheHash, "sign.every-algorithm"),
    "hashes-twice": _fault(signers.HashesTwice, "sign.any-length"),
    "takes-no-long-message": _fault(signers.TakesNoLongMessage, "sign.any-length"),
    "lying-signer": _fault(signers.LyingSigner, "sign.many-times"),
    "leaks-descriptors": _fault(signers.LeaksDescriptors, "sign.many-times"),
    "not-for-threads": _fault(signers.NotForThreads, "sign.threads"),
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
    "heavy-import": Fault("contract.faults.heavy:HeavyBackend", "start.imports"),
}
"""Every fault by its name, which is its backend type too."""
