"""Where the key of a new authority comes from: it is made, brought from elsewhere, or was in the backend already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from anchorhold.errors import KeyExistsError, KeyMismatchError, KeyMissingError
from anchorhold.pkcs8 import dump_pkcs8
from anchorhold.plugin.requests import CreateKeyRequest, FindKeyRequest, ImportKeyRequest
from anchorhold.public_keys import check_strength, spec_of, spki

if TYPE_CHECKING:
    from anchorhold.algorithms import KeySpec
    from anchorhold.operations.key_location import KeyLocation
    from anchorhold.plugin.requests import CertificateAuthority, CreatedKey
    from anchorhold.public_keys import PublicKey
    from anchorhold.software_keys import PrivateKey


class KeySource(Protocol):
    """Where a key comes from."""

    @property
    def existing(self) -> CreatedKey | None:
        """The key, if it was there before; then it is not ours to destroy."""

    @property
    def spec(self) -> KeySpec:
        """The kind of key."""

    def check(self, location: KeyLocation, key_id: bytes) -> None:
        """Find out that the place can be used, before anything is recorded."""

    def obtain(self, location: KeyLocation, key_id: bytes, ca: CertificateAuthority) -> CreatedKey:
        """The key; from now on it exists in that place."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that the backend makes."""

    spec: KeySpec
    existing: None = None

    def check(self, location: KeyLocation, key_id: bytes) -> None:
        """See `KeySource.check`."""
        check_store(location, key_id)

    def obtain(self, location: KeyLocation, key_id: bytes, ca: CertificateAuthority) -> CreatedKey:
        """See `KeySource.obtain`."""
        request = CreateKeyRequest(key_id=key_id, spec=self.spec, ca=ca, options=location.options)
        return location.backend.create_key(request, location.secrets)


@dataclass(frozen=True, slots=True)
class ImportedKey:
    """A private key that is brought to the backend."""

    key: PrivateKey
    existing: None = None

    @property
    def public_key(self) -> PublicKey:
        """Its public half."""
        return self.key.public_key()

    @property
    def spec(self) -> KeySpec:
        """See `KeySource.spec`."""
        return spec_of(self.public_key)

    def check(self, location: KeyLocation, key_id: bytes) -> None:
        """See `KeySource.check`."""
        check_store(location, key_id)

    def obtain(self, location: KeyLocation, key_id: bytes, ca: CertificateAuthority) -> CreatedKey:
        """See `KeySource.obtain`.

        Raises:
            KeyMismatchError: Another key was stored.
        """
        request = ImportKeyRequest(key_id=key_id, pkcs8=dump_pkcs8(self.key), ca=ca, options=location.options)
        created = location.backend.import_key(request, location.secrets)
        if spki(created.public_key) != spki(self.public_key):
            raise KeyMismatchError(
                f"{location.backend.identity}: stored another key", hint="report this to the author of the backend"
            )
        return created


@dataclass(frozen=True, slots=True)
class AdoptedKey:
    """A key that is in the backend already."""

    existing: CreatedKey

    @property
    def public_key(self) -> PublicKey:
        """Its public half."""
        return self.existing.public_key

    @property
    def spec(self) -> KeySpec:
        """See `KeySource.spec`."""
        return spec_of(self.public_key)

    def check(self, location: KeyLocation, key_id: bytes) -> None:
        """See `KeySource.check`; it was found, so the place can be used."""

    def obtain(self, location: KeyLocation, key_id: bytes, ca: CertificateAuthority) -> CreatedKey:
        """See `KeySource.obtain`."""
        return self.existing


def find_adoptable_key(location: KeyLocation, public_key: PublicKey | None = None) -> AdoptedKey:
    """The key that the options of the place describe.

    Args:
        location: Where it is.
        public_key: Its public half, if it is known.

    Raises:
        KeyMissingError: No key matches.
        KeyExistsError: Several keys match.
        OperationUnsupportedError: The backend cannot search.
        WeakKeyError, KeyUnsupportedError: Nobody should sign with it.
    """
    request = FindKeyRequest(key_id=None, options=location.options, public_key=public_key, one=True)
    found = location.backend.find_key(request, location.secrets)
    if not found:
        raise KeyMissingError(
            f"{location.backend.identity}: has no matching key to adopt", hint="check the options that describe it"
        )
    if len(found) > 1:
        raise KeyExistsError(
            f"{location.backend.identity}: has {len(found)} matching keys",
            hint="describe the one to adopt more precisely",
        )
    check_strength(found[0].public_key, "key to adopt")
    return AdoptedKey(found[0])


def check_store(location: KeyLocation, key_id: bytes) -> None:
    """Look for a fresh key id, so that a store that cannot be used is found out before anything is recorded.

    Raises:
        KeyExistsError: There is a key of that id.
        AnchorholdError: The store cannot be used.
    """
    backend, request = location.backend, FindKeyRequest(key_id=key_id, options=location.options)
    if backend.supports("find_key") and backend.find_key(request, location.secrets):
        raise KeyExistsError(
            f"{backend.identity}: already has a key with the new id {key_id.hex()}", hint="repeat the command"
        )
