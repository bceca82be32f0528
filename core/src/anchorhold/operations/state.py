"""What is under way with an authority: typed, and as the JSON that its row keeps in the column ``plan``.

A pending authority is being created (`Creation`) or imported (`Import`), or waits for a certificate from a parent
elsewhere (`CsrPending`). The key of another one is being moved (`KeyMove`), or was moved and is to be destroyed in its
old place (`KeyMoved`).
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Self, TypeAlias

from anchorhold.ledger.schema import from_timestamp, to_timestamp
from anchorhold.profiles.model import ProfileSettings

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping

    from anchorhold.ledger import AuthorityRecord
    from anchorhold.plugin.backend_options import OptionValues


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pending:
    """What every pending authority has.

    Attributes:
        options: Of the key backend, with which its key was or will be made; none if the key was adopted.
        adopted: Whether the key was there before, and so stays.
        abandoning: Whether it was given up, so that its key may be destroyed; nobody completes it any more.
    """

    options: OptionValues = field(default_factory=dict)
    adopted: bool = False
    abandoning: bool = False

    def _common(self) -> dict[str, Any]:
        said = {"abandoning": True} if self.abandoning else {}
        return {"options": dict(self.options), "adopted": self.adopted, **said}

    @staticmethod
    def _of(stored: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "options": stored.get("options", {}),
            "adopted": bool(stored.get("adopted")),
            "abandoning": bool(stored.get("abandoning")),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Creation(_Pending):
    """An authority that is created here: the values of its certificate, decided before its key is made.

    Attributes:
        subject: Distinguished name (RFC 4514).
        profile: The content of its certificate, all that was wanted included.
        profile_name: The name of that profile; ``authority`` in plans of releases that did not record it.
        not_before: Start of validity.
        not_after: End of validity.
    """

    operation: ClassVar = "create"

    subject: str
    profile: ProfileSettings
    profile_name: str
    not_before: dt.datetime
    not_after: dt.datetime

    def to_json(self) -> dict[str, Any]:
        """As the ledger keeps it."""
        return {
            "operation": self.operation,
            "subject": self.subject,
            "profile": self.profile.stored(),
            "profile_name": self.profile_name,
            "not_before": to_timestamp(self.not_before),
            "not_after": to_timestamp(self.not_after),
            **self._common(),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """The opposite of `to_json`."""
        return cls(
            subject=stored["subject"],
            profile=ProfileSettings.model_validate(stored["profile"]),
            profile_name=stored.get("profile_name", "authority"),
            not_before=from_timestamp(stored["not_before"]),
            not_after=from_timestamp(stored["not_after"]),
            **cls._of(stored),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Import(_Pending):
    """An authority that was made elsewhere.

    Attributes:
        certificate: Its certificate, DER.
    """

    operation: ClassVar = "import"

    certificate: bytes

    def to_json(self) -> dict[str, Any]:
        """As the ledger keeps it."""
        encoded = base64.b64encode(self.certificate).decode()
        return {"operation": self.operation, "certificate": encoded, **self._common()}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """The opposite of `to_json`."""
        return cls(certificate=base64.b64decode(stored["certificate"]), **cls._of(stored))


@dataclass(frozen=True, slots=True, kw_only=True)
class CsrPending(_Pending):
    """An authority whose certificate a parent elsewhere makes.

    Attributes:
        subject: Distinguished name (RFC 4514).
        profile: What its CSR asks for.
        csr: Its CSR, DER (RFC 2986); None until that was made.
    """

    operation: ClassVar = "request"

    subject: str
    profile: ProfileSettings
    csr: bytes | None = None

    def to_json(self) -> dict[str, Any]:
        """As the ledger keeps it."""
        csr = {} if self.csr is None else {"csr": base64.b64encode(self.csr).decode()}
        return {
            "operation": self.operation,
            "subject": self.subject,
            "profile": self.profile.stored(),
            **self._common(),
            **csr,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """The opposite of `to_json`."""
        csr = stored.get("csr")
        return cls(
            subject=stored["subject"],
            profile=ProfileSettings.model_validate(stored["profile"]),
            csr=None if csr is None else base64.b64decode(csr),
            **cls._of(stored),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyMove:
    """A key that may be in its new place, and is used in the old one.

    Attributes:
        operation: ``move`` while it is moved; ``unmove`` while what arrived is being destroyed.
        to: Alias of the backend it is moved to.
        type: Type of that backend.
        key_id: 20 random octets under which it is stored there.
        options: Of that backend.
        delete_source: Whether it is destroyed in its old place at last.
    """

    operation: Literal["move", "unmove"] = "move"
    to: str
    type: str
    key_id: bytes
    options: OptionValues
    delete_source: bool

    def to_json(self) -> dict[str, Any]:
        """As the ledger keeps it."""
        return {
            "operation": self.operation,
            "to": self.to,
            "type": self.type,
            "key_id": self.key_id.hex(),
            "options": dict(self.options),
            "delete_source": self.delete_source,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """The opposite of `to_json`."""
        return cls(
            operation=stored["operation"],
            to=stored["to"],
            type=stored["type"],
            key_id=bytes.fromhex(stored["key_id"]),
            options=stored["options"],
            delete_source=stored["delete_source"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyMoved:
    """A key that is used in its new place, and is to be destroyed in the old one.

    Attributes:
        key_backend: Alias of the backend it was in.
        type: Type of that backend.
        key_id: 20 random octets under which it was stored there; empty where the release before did not note them.
        handle: The key handle there, as JSON.
    """

    operation: ClassVar = "moved"

    key_backend: str
    type: str
    key_id: bytes
    handle: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """As the ledger keeps it."""
        return {"operation": self.operation, "from": self.place()}

    def place(self) -> dict[str, Any]:
        """The old place as JSON."""
        return {
            "key_backend": self.key_backend,
            "type": self.type,
            "key_id": self.key_id.hex(),
            "handle": dict(self.handle),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """The opposite of `to_json`."""
        old = stored["from"]
        return cls(
            key_backend=old["key_backend"],
            type=old["type"],
            key_id=bytes.fromhex(old.get("key_id", "")),
            handle=old["handle"],
        )


PendingAuthority: TypeAlias = Creation | Import | CsrPending
State: TypeAlias = PendingAuthority | KeyMove | KeyMoved

_READERS: Final[Mapping[str, Callable[[Mapping[str, Any]], State]]] = {
    Creation.operation: Creation.from_json,
    Import.operation: Import.from_json,
    CsrPending.operation: CsrPending.from_json,
    "move": KeyMove.from_json,
    "unmove": KeyMove.from_json,
    KeyMoved.operation: KeyMoved.from_json,
}


def state_of(record: AuthorityRecord) -> State | None:
    """What is under way with an authority; None if nothing is."""
    return None if record.plan is None else _READERS[record.plan["operation"]](record.plan)


def pending_state_of(record: AuthorityRecord) -> PendingAuthority | None:
    """What a pending authority is waiting for; None for one that is complete."""
    state = state_of(record)
    return state if isinstance(state, PendingAuthority) else None


def move_of(record: AuthorityRecord) -> KeyMove | KeyMoved | None:
    """The move of the key of an authority; None if it is not being moved."""
    state = state_of(record)
    return state if isinstance(state, KeyMove | KeyMoved) else None
