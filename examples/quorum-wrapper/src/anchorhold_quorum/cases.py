"""One signature that people have to approve: what is signed, with which key, and the statement they sign about it."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, Self

from anchorhold.public_keys import spki
from anchorhold_quorum.encoding import Content, content_of

if TYPE_CHECKING:
    from anchorhold.plugin import Signer, SignRequest

VERSION: Final = 1
PURPOSES: Final = ("certificate", "crl", "csr")


@dataclass(frozen=True)
class Case:
    """What is to be signed.

    Attributes:
        purpose: ``certificate``, ``crl`` or ``csr``.
        ca: Name of the authority.
        key: Public half of its key, DER SubjectPublicKeyInfo.
        message: All octets to be signed: the TBSCertificate, TBSCertList or CertificationRequestInfo.
    """

    purpose: str
    ca: str
    key: bytes
    message: bytes

    @classmethod
    def of(cls, request: SignRequest, signer: Signer) -> Self:
        """The case of a signature that is asked for now."""
        return cls(request.purpose, request.ca.name, spki(signer.public_key), bytes(request.message))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote.

        Raises:
            ValueError: It is not that.
        """
        try:
            data = json.loads(text)
            if data["version"] != VERSION:
                raise ValueError(f"it is of version {data['version']}, not {VERSION}")
            if data["purpose"] not in PURPOSES:
                raise ValueError(f"its purpose is {data['purpose']!r}")
            octets = [base64.b64decode(data[name], validate=True) for name in ("key", "message")]
            return cls(str(data["purpose"]), str(data["ca"]), *octets)
        except (KeyError, TypeError) as error:
            raise ValueError("it is not a request for approval") from error

    def to_json(self) -> str:
        """For the file that approvers look at."""
        octets = {"key": self.key, "message": self.message}
        encoded = {name: base64.b64encode(value).decode() for name, value in octets.items()}
        return json.dumps({"version": VERSION, "purpose": self.purpose, "ca": self.ca, **encoded}, indent=1) + "\n"

    @cached_property
    def digest(self) -> str:
        """The SHA-256 digest of exactly what is signed, in hex."""
        return hashlib.sha256(self.message).hexdigest()

    @cached_property
    def content(self) -> Content:
        """What the message says."""
        return content_of(self.purpose, self.message)

    @property
    def statement(self) -> bytes:
        """What an approver signs: this digest, for this purpose, with this key, and nothing else."""
        key = hashlib.sha256(self.key).hexdigest()
        return f"anchorhold-quorum {VERSION}\n{self.purpose}\nkey {key}\ndigest {self.digest}\n".encode()

    def repeats(self, shown: Case, days: float) -> bool:
        """Whether this is the same, or says the same as what was shown then, with dates at most so many days later."""
        if (self.purpose, self.key) != (shown.purpose, shown.key):
            return False
        return self.message == shown.message or self.content.repeats(shown.content, days)
