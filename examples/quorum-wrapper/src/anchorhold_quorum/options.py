"""What may stand in the settings for this wrapper."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Annotated, Literal, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from anchorhold.plugin import DurationIn

_EXPECTED = "expected the line between BEGIN and END of `openssl pkey -pubout` for an Ed25519 key"


def _public_key(value: object) -> Ed25519PublicKey:
    try:
        key = load_der_public_key(base64.b64decode(str(value), validate=True))
    except (ValueError, binascii.Error):
        raise ValueError(_EXPECTED) from None
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError(_EXPECTED)  # noqa: TRY004  # pydantic wants this one
    return key


def _file_name(value: str) -> str:
    if not value.replace("-", "").replace("_", "").isalnum():
        raise ValueError("names of approvers are made of letters, digits, - and _")
    return value


Approver = Annotated[str, AfterValidator(_file_name)]
ApproverKey = Annotated[Ed25519PublicKey, BeforeValidator(_public_key)]


class Options(BaseModel):
    """``wrappers.quorum.options``.

    Attributes:
        folder: Where requests and approvals are; it must exist.
        approvers: Each person's name and Ed25519 public key (base64 of SubjectPublicKeyInfo, RFC 8410).
        required: How many of them must approve.
        wait: Seconds that a command waits for approvals before it gives up.
        keep_days: How many days later than was shown a certificate or CRL may begin and end.
        exempt: Subjects, as ``list-cas`` shows them, of authorities that sign without approval. Not names, which
            whoever runs the command can change.
        purposes: What needs approval.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    folder: Path
    approvers: dict[Approver, ApproverKey]
    required: Annotated[int, Field(ge=1)] = 2
    wait: Annotated[float, Field(ge=0, le=7 * 86400), DurationIn("s")] = 0
    keep_days: Annotated[float, Field(ge=0, le=90), DurationIn("d")] = 7
    exempt: frozenset[str] = frozenset()
    purposes: frozenset[Literal["certificate", "crl", "csr"]] = frozenset({"certificate", "crl", "csr"})

    @model_validator(mode="after")
    def _possible(self) -> Self:
        people = {key.public_bytes_raw() for key in self.approvers.values()}
        if len(people) < len(self.approvers):
            raise ValueError("two approvers have the same key, and would count twice")
        if self.required > len(people):
            raise ValueError(f"{self.required} approvals are required, and there are {len(people)} approvers")
        return self
