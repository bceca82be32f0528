"""The backend ``aws-kms`` called as core calls it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from anchorhold.plugin import BackendContext, CertificateAuthority, CreateKeyRequest, FindKeyRequest, KeyRequest
from anchorhold_aws_kms import KmsBackend
from plugin.fake_backends import NO_SECRETS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anchorhold.algorithms import KeySpec
    from anchorhold.plugin import CreatedKey, Signer

CA: Final = CertificateAuthority(name="Test", subject="CN=Test")
CREDENTIALS: Final = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "hunter2hunter2"}


@dataclass
class KmsBench:
    """The backend of one alias.

    Attributes:
        options: As in the settings.
    """

    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        nothing: Any = None  # keys in KMS need no database
        context = BackendContext(alias="kms", role="ca", database=nothing, environment={}, shared={})
        self.backend = KmsBackend(KmsBackend.Options.model_validate(self.options), context)

    def create(self, spec: KeySpec, key_id: bytes | None = None, alias: str | None = None) -> CreatedKey:
        """A new key."""
        options = {"key-alias": alias}
        request = CreateKeyRequest(key_id=key_id or os.urandom(20), spec=spec, ca=CA, options=options)
        return self.backend.create_key(request, NO_SECRETS)

    def signer(self, created: CreatedKey) -> Signer:
        """The signer of a key."""
        return self.backend.load_signer(self.request(created), NO_SECRETS)

    def find(self, key_id: bytes | None, options: Mapping[str, str] | None = None) -> tuple[CreatedKey, ...]:
        """Keys that fit."""
        return self.backend.find_key(FindKeyRequest(key_id=key_id, options=options or {}), NO_SECRETS)

    def delete(self, created: CreatedKey) -> bool:
        """Give a key up."""
        return self.backend.delete_key(self.request(created), NO_SECRETS)

    def request(self, created: CreatedKey) -> KeyRequest:
        """For what is done with a key."""
        return KeyRequest(handle=created.handle, public_key=created.public_key, ca=CA)
