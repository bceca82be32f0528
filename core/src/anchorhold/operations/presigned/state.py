"""What is known of the pre-signed responses of an authority in a folder: how far a pass has come, and since when."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Final, Self

from anchorhold.ledger.schema import from_timestamp, to_timestamp
from anchorhold.ledger.statuses import Change
from anchorhold.operations.responders import ANSWER_LIFETIME
from anchorhold.x509.validity import is_in_future

if TYPE_CHECKING:
    import datetime as dt

    from anchorhold.operations.authority import Authority
    from anchorhold.operations.ocsp_answers import AnswerTemplate
    from anchorhold.operations.presigned.folder import AnswerFolder

FORMAT: Final = 1


def name_of(authority: Authority) -> str:
    """What the responses of an authority are called in a folder: by its certificate, for names change."""
    return sha256(authority.record.certificate or b"").hexdigest()[:40]


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderState:
    """What is known of the responses of an authority.

    Attributes:
        responder: Serial number of the responder that signs them.
        revision: Of the ledger, at the end of the last run.
        begun: When the last pass over all certificates began, seconds since 1970.
        until: Until when the responses of that pass are good at least, the same.
        passed: Row number of the last certificate in that pass; None if it came to its end.
        seen: Row number of the last certificate that any run has met.
        change: The last change of status that is in the files.
        swept: Before which moment (seconds since 1970) expired certificates were removed.
    """

    responder: str
    revision: int
    begun: int
    until: int
    passed: int | None
    seen: int
    change: Change
    swept: int

    @classmethod
    def fresh(cls, responder: str, change: Change, swept: int) -> Self:
        """That of a folder in which nothing is known; a pass is due."""
        return cls(responder=responder, revision=0, begun=0, until=0, passed=None, seen=0, change=change, swept=swept)

    def beginning(self, template: AnswerTemplate, responder: str, moment: dt.datetime) -> Self:
        """The same when a pass begins."""
        until = min(moment + ANSWER_LIFETIME, template.end)
        return replace(self, responder=responder, begun=to_timestamp(moment), until=to_timestamp(until), passed=0)

    def is_due(self, responder: str, moment: dt.datetime) -> bool:
        """Whether a pass has to begin: half of the time is over, or another responder signs."""
        if self.responder != responder or is_in_future(from_timestamp(self.begun), moment):
            return True
        return to_timestamp(moment) >= self.middle

    @property
    def middle(self) -> int:
        """When half of the time of the last pass is over, seconds since 1970."""
        return self.begun + (self.until - self.begun) // 2

    def save(self, folder: AnswerFolder, authority: Authority) -> None:
        """Write it to the folder.

        Raises:
            OSError: It cannot be written.
        """
        content = {
            "format": FORMAT,
            "authority": authority.record.serial,
            "subject": authority.record.subject,
            "responder": self.responder,
            "revision": self.revision,
            "begun": self.begun,
            "until": self.until,
            "passed": self.passed,
            "seen": self.seen,
            "change": list(self.change),
            "swept": self.swept,
        }
        folder.replace_own(f"{name_of(authority)}.json", json.dumps(content, indent=1).encode() + b"\n")


def has_state(folder: AnswerFolder, authority: Authority) -> bool:
    """Whether anything was ever known of the responses of an authority, whether it can be read or not."""
    return (folder.own / f"{name_of(authority)}.json").exists()


def load_state(folder: AnswerFolder, authority: Authority) -> FolderState | None:
    """What is known of the responses of an authority; None if nothing is, or nothing that can be read."""
    try:
        found = json.loads((folder.own / f"{name_of(authority)}.json").read_bytes())
        if found["format"] != FORMAT:
            return None
        return FolderState(
            responder=str(found["responder"]),
            revision=int(found["revision"]),
            begun=int(found["begun"]),
            until=int(found["until"]),
            passed=None if found["passed"] is None else int(found["passed"]),
            seen=int(found["seen"]),
            change=Change(int(found["change"][0]), str(found["change"][1])),
            swept=int(found["swept"]),
        )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, IndexError):  # written by another release, or by hand
        return None
