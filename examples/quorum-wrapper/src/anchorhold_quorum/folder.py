"""The folder that people and the program share: requests that wait, their approvals, and those that were used.

::

    pending/<digest>/request.json        what is to be signed
    pending/<digest>/<name>.approval     one approver's detached signature, in base64
    used/<digest>/…                      the same, once it has been signed; and signed.json, what exactly
"""

from __future__ import annotations

import base64
import json
import logging
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature

from anchorhold_quorum.cases import Case

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

REQUEST: Final = "request.json"
SIGNED: Final = "signed.json"
APPROVAL: Final = ".approval"
logger = logging.getLogger(__name__)


class Folder:
    """Requests and approvals below one folder. Nothing in it is believed: digests and signatures are checked.

    Args:
        root: It must exist.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser()
        self.pending = self.root / "pending"
        self.used = self.root / "used"

    def ask(self, case: Case) -> None:
        """Put a request where approvers see it; it appears whole."""
        self.pending.mkdir(exist_ok=True)
        self.used.mkdir(exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=".", dir=self.pending))
        made.chmod(self.pending.stat().st_mode & 0o7777)  # a folder for a group stays one
        (made / REQUEST).write_text(case.to_json())
        try:
            made.rename(self.pending / case.digest)
        except OSError:  # another thread or process was faster
            shutil.rmtree(made)
            if not (self.pending / case.digest).exists():
                raise

    def waiting(self) -> list[Case]:
        """All requests that wait, the oldest first; those that are damaged are left out, and that is logged."""
        if not self.root.is_dir():
            raise FileNotFoundError(2, "the folder is not there", str(self.root))
        folders = [place for place in self.pending.glob("[!.]*") if not (self.used / place.name).exists()]
        folders.sort(key=lambda place: place.stat().st_mtime)
        return [case for case in map(_read, folders) if case is not None]

    def approvers_of(self, case: Case, approvers: Mapping[str, Ed25519PublicKey]) -> list[str]:
        """Who has approved it: names whose key has signed its statement."""
        place = self.pending / case.digest
        return [name for name, key in approvers.items() if _is_approved(place / f"{name}{APPROVAL}", case, key)]

    def spend(self, shown: Case, signed: Case) -> bool:
        """Take an approved request, so that it is used once; False if somebody else has taken it.

        Args:
            shown: What was approved.
            signed: What is signed for it.
        """
        place = self.used / shown.digest
        try:
            (self.pending / shown.digest).rename(place)
        except OSError:
            return False
        (place / SIGNED).write_text(json.dumps({"digest": signed.digest, "ca": signed.ca}) + "\n")
        return True

    def restore(self, shown: Case) -> None:
        """Put it back, because nothing was signed."""
        place = self.used / shown.digest
        (place / SIGNED).unlink(missing_ok=True)
        place.rename(self.pending / shown.digest)


def write_approval(place: Path, signature: bytes) -> None:
    """Write a detached signature; it appears whole, and replaces an earlier one of the same approver."""
    with tempfile.NamedTemporaryFile("w", dir=place.parent, prefix=".", delete=False) as file:
        file.write(base64.b64encode(signature).decode() + "\n")
    made = Path(file.name)
    made.chmod(0o644)
    made.replace(place)


def _read(place: Path) -> Case | None:
    try:
        case = Case.from_json((place / REQUEST).read_text())
        _ = case.content
    except (OSError, ValueError) as error:
        logger.warning("quorum: %s is not a request for approval (%s)", place, error)
        return None
    if case.digest != place.name:
        logger.warning("quorum: %s holds another request than its name says", place)
        return None
    return case


def _is_approved(path: Path, case: Case, key: Ed25519PublicKey) -> bool:
    if not path.exists():
        return False
    try:
        key.verify(base64.b64decode(path.read_text(), validate=False), case.statement)
    except (InvalidSignature, ValueError):
        logger.warning("quorum: %s is not the signature of its approver for this", path)
        return False
    return True
