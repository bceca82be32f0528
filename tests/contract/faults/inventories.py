"""Faults of lists and descriptions."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from anchorhold import software_keys
from anchorhold.algorithms import key_spec
from anchorhold.errors import BackendFailedError, KeyMissingError
from anchorhold.plugin import CreatedKey, KeyDescription, ListedKey, hookimpl
from contract.file_backend import FileBackend

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold.plugin import BackendContext, KeyRequest, Secrets
    from contract.file_backend import FileOptions


class ListsHalfOfTheId(FileBackend):
    """Has the beginning of an id in its list."""

    def listed(self, path: Path) -> ListedKey:
        found = super().listed(path)
        return replace(found, key_id=found.key_id and found.key_id[:8])


class ListsNoIds(FileBackend):
    """Has names alone in its list."""

    def listed(self, path: Path) -> ListedKey:
        return replace(super().listed(path), key_id=None)


class ListsEachTwice(FileBackend):
    """Lists what it is given on two pages, each of which is the first."""

    @hookimpl
    def list_keys(self, secrets: Secrets) -> tuple[ListedKey, ...]:
        return super().list_keys(secrets) * 2


class ListsWhatItHasMade(FileBackend):
    """Knows the keys of this process."""

    made: ClassVar[set[bytes]] = set()

    def keep(self, key: Any, key_id: bytes, secrets: Secrets) -> CreatedKey:
        kept = super().keep(key, key_id, secrets)
        self.made.add(key_id)
        return kept

    @hookimpl
    def list_keys(self, secrets: Secrets) -> tuple[ListedKey, ...]:
        return tuple(found for found in super().list_keys(secrets) if found.key_id in self.made)


class ListsNothingThatWasImported(FileBackend):
    """Leaves out keys that it did not make."""

    brought: ClassVar[set[bytes]] = set()

    @hookimpl
    def import_key(self, request: Any, secrets: Secrets) -> CreatedKey:
        self.brought.add(request.key_id)
        return super().import_key(request, secrets)

    @hookimpl
    def list_keys(self, secrets: Secrets) -> tuple[ListedKey, ...]:
        return tuple(found for found in super().list_keys(secrets) if found.key_id not in self.brought)


class ListsWhatIsGone(FileBackend):
    """Has an index to which deletions add nothing."""

    index: ClassVar[dict[Path, ListedKey]] = {}

    @hookimpl
    def list_keys(self, secrets: Secrets) -> tuple[ListedKey, ...]:
        super().list_keys(secrets)
        return tuple(found for path, found in self.index.items() if path.parent == self.options.folder)

    def write(self, path: Path, content: dict[str, str]) -> None:
        super().write(path, content)
        self.index[path] = self.listed(path)


class RemembersItsList(FileBackend):
    """Looks once."""

    def __init__(self, options: FileOptions, context: BackendContext) -> None:
        super().__init__(options, context)
        self.seen: tuple[ListedKey, ...] | None = None

    @hookimpl
    def list_keys(self, secrets: Secrets) -> tuple[ListedKey, ...]:
        self.seen = self.seen or super().list_keys(secrets)
        return self.seen


class ListsOtherPlaces(FileBackend):
    """Looks into all folders beside its own."""

    @hookimpl
    def list_keys(self, secrets: Secrets) -> tuple[ListedKey, ...]:
        super().list_keys(secrets)
        return tuple(map(self.listed, self.options.folder.parent.glob("*/*.key")))


class NeedsAPasswordToList(FileBackend):
    """Asks for what opens a single key."""

    @hookimpl
    def list_keys(self, secrets: Secrets) -> tuple[ListedKey, ...]:
        secrets.require("password")
        return super().list_keys(secrets)


class MakesAKeyWhenItLists(FileBackend):
    """Finds out by a key whether it may make any."""

    @hookimpl
    def list_keys(self, secrets: Secrets) -> tuple[ListedKey, ...]:
        listed = super().list_keys(secrets)
        self.keep(software_keys.generate(key_spec("EC")), os.urandom(20), secrets)
        return listed


class MovesWhatItDescribes(FileBackend):
    """Puts a key away that was looked at, under a name that its handle has not."""

    @hookimpl
    def describe_key(self, request: KeyRequest, secrets: Secrets) -> KeyDescription:
        described, path = super().describe_key(request, secrets), self.path_of(request)
        path.rename(path.with_name(f"{os.urandom(20).hex()}.key"))
        return described


class ListsNothingWhereItCannotReach(FileBackend):
    """Takes a folder that cannot be read for an empty one."""

    @hookimpl
    def list_keys(self, secrets: Secrets) -> tuple[ListedKey, ...]:
        try:
            return super().list_keys(secrets)
        except BackendFailedError:
            return ()


class DescribesWhatItCannotReach(FileBackend):
    """Says where a key would be."""

    @hookimpl
    def describe_key(self, request: KeyRequest, secrets: Secrets) -> KeyDescription:
        try:
            return super().describe_key(request, secrets)
        except BackendFailedError:
            return KeyDescription(place=f"the file {self.path_of(request)}", can_leave=True)


class SaysThatAllWasMadeHere(FileBackend):
    """Takes what it keeps for what it has made."""

    @hookimpl
    def describe_key(self, request: KeyRequest, secrets: Secrets) -> KeyDescription:
        return replace(super().describe_key(request, secrets), made="here")


class SaysThatAllWasMadeElsewhere(FileBackend):
    """Is too modest."""

    @hookimpl
    def describe_key(self, request: KeyRequest, secrets: Secrets) -> KeyDescription:
        return replace(super().describe_key(request, secrets), made="elsewhere")


class SaysThatNothingLeaves(FileBackend):
    """Hands out keys, and says that it never does."""

    @hookimpl
    def describe_key(self, request: KeyRequest, secrets: Secrets) -> KeyDescription:
        return replace(super().describe_key(request, secrets), can_leave=False)


class DoesNotKnowWhatItHandsOut(FileBackend):
    """Hands out keys, and does not say that it does."""

    @hookimpl
    def describe_key(self, request: KeyRequest, secrets: Secrets) -> KeyDescription:
        return replace(super().describe_key(request, secrets), can_leave=None)


class KnowsWhatThisProcessHasMade(FileBackend):
    """Says of its own keys where they were made, as long as it remembers."""

    made: ClassVar[set[str]] = set()

    @hookimpl
    def create_key(self, request: Any, secrets: Secrets) -> CreatedKey:
        self.made.add(request.key_id.hex())
        return super().create_key(request, secrets)

    @hookimpl
    def describe_key(self, request: KeyRequest, secrets: Secrets) -> KeyDescription:
        described = super().describe_key(request, secrets)
        return replace(described, made="here") if self.path_of(request).stem in self.made else described


class PlaceOfThisProcess(FileBackend):
    """Describes an object of Python."""

    @hookimpl
    def describe_key(self, request: KeyRequest, secrets: Secrets) -> KeyDescription:
        described = super().describe_key(request, secrets)
        return replace(described, place=f"{described.place} of process {os.getpid()}")


class DescribesWhatIsGone(FileBackend):
    """Reads a handle, and looks nowhere."""

    @hookimpl
    def describe_key(self, request: KeyRequest, secrets: Secrets) -> KeyDescription:
        try:
            return super().describe_key(request, secrets)
        except KeyMissingError:
            return KeyDescription(place=f"the file {self.path_of(request)}", can_leave=True)


class RemembersDescriptions(FileBackend):
    """Looks once."""

    def __init__(self, options: FileOptions, context: BackendContext) -> None:
        super().__init__(options, context)
        self.seen: dict[Path, KeyDescription] = {}

    @hookimpl
    def describe_key(self, request: KeyRequest, secrets: Secrets) -> KeyDescription:
        path = self.path_of(request)
        if path not in self.seen:
            self.seen[path] = super().describe_key(request, secrets)
        return self.seen[path]


class DescribesBarely(FileBackend):
    """Fails somehow when it is to describe a key that is gone."""

    @hookimpl
    def describe_key(self, request: KeyRequest, secrets: Secrets) -> KeyDescription:
        try:
            return super().describe_key(request, secrets)
        except KeyMissingError:
            raise RuntimeError("no file") from None


class PasswordInPlace(FileBackend):
    """Describes a place by the URL that it is opened with."""

    @hookimpl
    def describe_key(self, request: KeyRequest, secrets: Secrets) -> KeyDescription:
        password, described = secrets.get("password"), super().describe_key(request, secrets)
        shown = f"{described.place}?password={password.reveal()}" if password is not None else described.place
        return replace(described, place=shown)


class PasswordInList(FileBackend):
    """Calls keys in a list by the URL that they are opened with."""

    @hookimpl
    def list_keys(self, secrets: Secrets) -> tuple[ListedKey, ...]:
        password = secrets.get("password")
        end = f"?password={password.reveal()}" if password is not None else ""
        return tuple(replace(found, name=found.name + end) for found in super().list_keys(secrets))


class ImportedKeyInPlace(FileBackend):
    """Describes an imported key by the request that brought it."""

    brought: ClassVar[dict[str, str]] = {}

    @hookimpl
    def import_key(self, request: Any, secrets: Secrets) -> CreatedKey:
        self.brought[request.key_id.hex()] = request.pkcs8.reveal()
        return super().import_key(request, secrets)

    @hookimpl
    def describe_key(self, request: KeyRequest, secrets: Secrets) -> KeyDescription:
        described = super().describe_key(request, secrets)
        return replace(described, place=described.place + self.brought.get(self.path_of(request).stem, ""))
