"""The backend ``vault-transit`` called as core calls it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from anchorhold.plugin import (
    BackendContext,
    CertificateAuthority,
    CreateKeyRequest,
    FindKeyRequest,
    KeyRequest,
    Secret,
)
from anchorhold.plugin.secret_resolver import SecretResolver
from anchorhold_vault_transit import TransitBackend
from examples.vault_stand_in import TOKEN

if TYPE_CHECKING:
    from anchorhold.algorithms import KeySpec
    from anchorhold.plugin import CreatedKey, Signer

CA: Final = CertificateAuthority(name="Test", subject="CN=Test")


@dataclass
class Bench:
    """The backend of one alias, called as core calls it.

    Attributes:
        options: As in the settings.
        token: Given on the command line; None for none.
    """

    options: dict[str, Any] = field(default_factory=dict)
    token: str | None = TOKEN

    def __post_init__(self) -> None:
        nothing: Any = None  # keys in the engine need no database
        context = BackendContext(alias="vault", role="ca", database=nothing, environment={}, shared={})
        self.backend = TransitBackend(TransitBackend.Options.model_validate(self.options), context)
        given = {"token": Secret(self.token)} if self.token is not None else {}
        self.secrets = SecretResolver(alias="vault", environment={}, section="key_backends.vault", given=given)

    def create(self, spec: KeySpec, key_id: bytes | None = None) -> CreatedKey:
        """A new key."""
        request = CreateKeyRequest(key_id=key_id or os.urandom(20), spec=spec, ca=CA)
        return self.backend.create_key(request, self.secrets)

    def signer(self, created: CreatedKey) -> Signer:
        """The signer of a key."""
        return self.backend.load_signer(self.request(created), self.secrets)

    def find(self, key_id: bytes | None, **options: str) -> tuple[CreatedKey, ...]:
        """Keys that fit."""
        named = {name.replace("_", "-"): value for name, value in options.items()}
        return self.backend.find_key(FindKeyRequest(key_id=key_id, options=named), self.secrets)

    def delete(self, created: CreatedKey) -> bool:
        """Destroy a key."""
        return self.backend.delete_key(self.request(created), self.secrets)

    def request(self, created: CreatedKey) -> KeyRequest:
        """For what is done with a key."""
        return KeyRequest(handle=created.handle, public_key=created.public_key, ca=CA)
