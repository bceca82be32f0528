"""The base of backends that keep keys as octets: every hook above a store that reads, writes and deletes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from anchorhold import pkcs8, software_keys
from anchorhold.algorithms import key_spec
from anchorhold.errors import (
    BackendContractError,
    BackendLoadError,
    KeyExistsError,
    KeyInvalidError,
    KeyMismatchError,
    KeyMissingError,
    KeyUnsupportedError,
    OperationUnsupportedError,
    SecretMissingError,
    SecretWrongError,
)
from anchorhold.plugin import (
    FindKeyRequest,
    ImportKeyRequest,
    KeyEntry,
    KeyHandle,
    KeyRequest,
    OcspStore,
    Pkcs8Backend,
    Secret,
    hookimpl,
)
from anchorhold.plugin.hookspecs import OPTIONAL_HOOKS, REQUIRED_HOOKS
from anchorhold.plugin.secret_resolver import SecretResolver
from anchorhold.public_keys import is_signed_by, spki
from plugin.fake_backends import CA, NO_SECRETS, bound, create_request, key_request

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from anchorhold.plugin import OptionValue, Secrets
    from anchorhold.plugin.key_backend import KeyBackend

NAME = bytes(20).hex()
OTHER_ID = bytes([7] * 20)


class Dictionary(Pkcs8Backend):
    """Octets in a dictionary, which is empty before each test; all that has to be written."""

    octets: ClassVar[dict[str, bytes]] = {}

    def read(self, entry: KeyEntry) -> bytes | None:
        return self.octets.get(entry.name)

    def write_new(self, entry: KeyEntry, content: bytes) -> None:
        if self.octets.setdefault(entry.name, content) is not content:
            raise KeyExistsError(f"{entry.subject}: is there already", hint="it is left alone")

    def delete(self, entry: KeyEntry) -> bool:
        return self.octets.pop(entry.name, None) is not None


@pytest.fixture(autouse=True)
def empty() -> Iterator[None]:
    """A dictionary of the test."""
    Dictionary.octets.clear()
    yield
    Dictionary.octets.clear()


@pytest.fixture
def backend() -> KeyBackend:
    """The class as core binds it."""
    return bound(Dictionary)


def _secrets(password: str | None) -> SecretResolver:
    given = {} if password is None else {"password": Secret(password)}
    return SecretResolver(alias="mine", environment={}, section="key_backends.mine", given=given)


def test_every_hook_is_inherited(backend: KeyBackend) -> None:
    assert [hook for hook in (*REQUIRED_HOOKS, *OPTIONAL_HOOKS) if not backend.supports(hook)] == []


@pytest.mark.parametrize("password", ["right", None])
@pytest.mark.parametrize("kind", ["EC", "RSA", "Ed25519", "ML-DSA-44"])
def test_a_key_that_was_made_signs(backend: KeyBackend, kind: str, password: str | None) -> None:
    created = backend.create_key(create_request(spec=key_spec(kind)), _secrets(password))
    signer = backend.load_signer(key_request(created), _secrets(password))
    algorithm = key_spec(kind).algorithm()
    assert is_signed_by(created.public_key, signer.sign(b"message", algorithm), b"message", algorithm)


def test_a_key_with_a_password_is_encrypted_and_opened_by_no_other(backend: KeyBackend) -> None:
    created = backend.create_key(create_request(), _secrets("right"))
    assert Dictionary.octets[NAME].startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    for use in (backend.load_signer, backend.export_key):
        with pytest.raises(SecretWrongError, match="key backend 'mine', key of 'Root'"):
            use(key_request(created), _secrets("wrong"))
        with pytest.raises(SecretMissingError):
            use(key_request(created), NO_SECRETS)


def test_the_octets_are_read_by_other_programs(backend: KeyBackend) -> None:
    created = backend.create_key(create_request(), _secrets("right"))
    read: Any = load_pem_private_key(Dictionary.octets[NAME], b"right")
    assert spki(read.public_key()) == spki(created.public_key)


def test_the_handle_has_the_name_and_no_secret(backend: KeyBackend) -> None:
    created = backend.create_key(create_request(), _secrets("right"))
    assert created.handle == KeyHandle(version=1, data={"name": NAME})


def test_a_key_is_found_by_its_id_without_its_password(backend: KeyBackend) -> None:
    assert backend.find_key(FindKeyRequest(key_id=bytes(20)), NO_SECRETS) == ()
    created = backend.create_key(create_request(), _secrets("right"))
    (found,) = backend.find_key(FindKeyRequest(key_id=bytes(20)), NO_SECRETS)
    assert (found.handle, spki(found.public_key)) == (created.handle, spki(created.public_key))


def test_there_is_no_key_of_others_to_adopt(backend: KeyBackend) -> None:
    with pytest.raises(OperationUnsupportedError, match=r"'mine'.*no key can be adopted; import"):
        backend.find_key(FindKeyRequest(key_id=None), NO_SECRETS)


def test_an_imported_key_is_encrypted_and_comes_back_plain(backend: KeyBackend) -> None:
    key = software_keys.generate(key_spec("EC"))
    request = ImportKeyRequest(key_id=bytes(20), pkcs8=pkcs8.dump_pkcs8(key), ca=CA)
    imported = backend.import_key(request, _secrets("right"))
    assert pkcs8.is_encrypted(Dictionary.octets[NAME])
    exported = backend.export_key(key_request(imported), _secrets("right"))
    assert pkcs8.load_private_key(exported.reveal_bytes(), None, "exported").public_key() == key.public_key()


def test_a_key_is_never_replaced(backend: KeyBackend) -> None:
    backend.create_key(create_request(), NO_SECRETS)
    before = dict(Dictionary.octets)
    with pytest.raises(KeyExistsError, match="key backend 'mine', key of 'Root': is there already"):
        backend.create_key(create_request(), NO_SECRETS)
    assert Dictionary.octets == before


def test_a_deleted_key_is_gone(backend: KeyBackend) -> None:
    created = backend.create_key(create_request(), NO_SECRETS)
    assert backend.delete_key(key_request(created), NO_SECRETS) is True
    assert backend.delete_key(key_request(created), NO_SECRETS) is False
    for use in (backend.load_signer, backend.describe_key):
        with pytest.raises(KeyMissingError, match=f"key of 'Root': the entry {NAME} is gone; restore"):
            use(key_request(created), NO_SECRETS)


def test_another_key_in_its_place_is_neither_used_nor_exported(backend: KeyBackend) -> None:
    created = backend.create_key(create_request(), NO_SECRETS)
    backend.create_key(create_request(key_id=OTHER_ID), NO_SECRETS)
    Dictionary.octets[NAME] = Dictionary.octets[OTHER_ID.hex()]
    for use in (backend.load_signer, backend.export_key):
        with pytest.raises(KeyMismatchError, match=f"key of 'Root': the entry {NAME} holds another key"):
            use(key_request(created), NO_SECRETS)


@pytest.mark.parametrize("octets", [b"", b"<html>", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_what_is_no_key_is_not_taken_for_the_one_that_is_looked_for(backend: KeyBackend, octets: bytes) -> None:
    Dictionary.octets[NAME] = octets
    with pytest.raises(KeyInvalidError, match=f"'mine', the entry {NAME}: "):
        backend.find_key(FindKeyRequest(key_id=bytes(20)), NO_SECRETS)


def test_keys_of_responders_have_passwords_that_core_draws(backend: KeyBackend) -> None:
    assert backend.ocsp_store() == OcspStore(generated=frozenset({"password"}))


class InFolders(Dictionary):
    """Has other names, and read another member of handles in its first version."""

    handle_version = 2
    handle_field = "place"

    def name_of(self, key_id: bytes, options: Mapping[str, OptionValue]) -> str:
        return f"{options.get('folder') or 'keys'}/{key_id.hex()}"

    def names(self, secrets: Secrets) -> list[str]:
        return [*self.octets, "keys/notes"]

    def name_in(self, handle: KeyHandle) -> str:
        return f"keys/{handle.data['id']}" if handle.version == 1 else super().name_in(handle)


def test_names_and_handles_are_the_subclass_s_own() -> None:
    backend = bound(InFolders)
    created = backend.create_key(create_request(options={"folder": "mine"}), NO_SECRETS)
    assert created.handle == KeyHandle(version=2, data={"place": f"mine/{NAME}"})
    (found,) = backend.find_key(FindKeyRequest(key_id=bytes(20), options={"folder": "mine"}), NO_SECRETS)
    assert found.handle == created.handle
    backend.load_signer(key_request(created), NO_SECRETS).close()


def test_a_key_is_listed_by_the_id_at_the_end_of_its_name() -> None:
    backend = bound(InFolders)
    assert backend.list_keys(NO_SECRETS) == ()
    backend.create_key(create_request(options={"folder": OTHER_ID.hex()}), NO_SECRETS)
    (listed,) = backend.list_keys(NO_SECRETS)
    assert (listed.name, listed.key_id) == (f"the entry {OTHER_ID.hex()}/{NAME}", bytes(20))


def test_a_handle_of_an_older_version_is_read_and_a_newer_one_is_refused() -> None:
    backend = bound(InFolders)
    created = backend.create_key(create_request(), NO_SECRETS)
    for version in (1, 3):
        handle = KeyHandle(version=version, data={"id": NAME})
        request = KeyRequest(handle=handle, public_key=created.public_key, ca=CA)
        if version == 1:
            backend.load_signer(request, NO_SECRETS).close()
        else:
            with pytest.raises(KeyUnsupportedError, match="handle version 3; this one reads up to 2"):
                backend.load_signer(request, NO_SECRETS)


class NothingLeaves(Dictionary):
    """Leaves a hook out."""

    export_key: Any = None


def test_an_inherited_hook_can_be_left_out() -> None:
    backend = bound(NothingLeaves)
    assert not backend.supports("export_key")
    assert backend.supports("import_key")


class Unmarked(Dictionary):
    """Means to override a hook."""

    def export_key(self, request: Any, secrets: Any) -> Any:
        """Would never be called."""


class Marked(Dictionary):
    """Overrides a hook."""

    @hookimpl
    def delete_key(self, request: Any, secrets: Any) -> bool:
        return super().delete_key(request, secrets) or True


def test_a_hook_that_is_overridden_without_its_mark_is_refused() -> None:
    with pytest.raises(BackendContractError, match=r"overrides the hook export_key of Pkcs8Backend .*; .* hookimpl"):
        bound(Unmarked)


def test_a_hook_that_is_overridden_with_its_mark_is_called() -> None:
    backend = bound(Marked)
    created = backend.create_key(create_request(), NO_SECRETS)
    backend.delete_key(key_request(created), NO_SECRETS)
    assert backend.delete_key(key_request(created), NO_SECRETS) is True


def test_a_store_that_cannot_delete_is_no_backend() -> None:
    class Incomplete(Pkcs8Backend):
        read = Dictionary.read
        write_new = Dictionary.write_new

    with pytest.raises(BackendLoadError, match="cannot be constructed"):
        bound(Incomplete)
