"""The keys of one alias, for one command: from requests to what is done in the token, and back to handles."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from pkcs11 import Attribute

from anchorhold import pkcs8
from anchorhold.errors import BackendFailedError, InputError, KeyMissingError, KeyUnsupportedError
from anchorhold.plugin import CreatedKey, KeyDescription, ListedKey
from anchorhold_hsm import keys
from anchorhold_hsm.credentials import credential_of
from anchorhold_hsm.handles import KeyReference, handle_of, origin_of, reference_of
from anchorhold_hsm.key_adoption import no_unique_key, notes_about
from anchorhold_hsm.objects import locate, private_keys, public_key_of, read, reference_to
from anchorhold_hsm.return_codes import is_vague
from anchorhold_hsm.signer import HsmSigner
from anchorhold_hsm.token_client import TokenClient
from anchorhold_hsm.token_selection import TokenChoice
from anchorhold_hsm.uri import Pkcs11Uri, parse_uri

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from anchorhold.plugin import (
        CreateKeyRequest,
        FindKeyRequest,
        ImportKeyRequest,
        KeyOrigin,
        KeyRequest,
        RefusedSecrets,
        Secrets,
        Signer,
    )
    from anchorhold.public_keys import PublicKey
    from anchorhold_hsm.objects import Object
    from anchorhold_hsm.options import Options
    from anchorhold_hsm.session import TokenSession

_MAKING: Final = "a new key"
"""Why a module was initialised again."""
_HEX: Final = re.compile(r"([0-9a-f]{2}:?)*[0-9a-f]{2}", re.IGNORECASE)


class TokenKeyStore:
    """The keys in a token.

    Args:
        alias: The alias.
        options: Its options.
        secrets: Its PINs.
        refused_secrets: Remembers which were refused.

    Raises:
        SettingsError, SecretMissingError: As `credential_of`.
    """

    def __init__(self, alias: str, options: Options, secrets: Secrets, refused_secrets: RefusedSecrets) -> None:
        self._access = TokenClient(alias, options, credential_of(alias, options, secrets, refused_secrets))

    def create(self, request: CreateKeyRequest) -> CreatedKey:
        """See `BackendSpec.create_key`."""
        spec = request.spec
        return self._make(
            request, lambda token_session, reference, place: keys.generate(token_session, spec, reference, place)
        )

    def import_key(self, request: ImportKeyRequest) -> CreatedKey:
        """See `BackendSpec.import_key`."""
        key = pkcs8.load_private_key(request.pkcs8.reveal_bytes(), None, "imported key")
        return self._make(
            request, lambda token_session, reference, place: keys.import_pair(token_session, key, reference, place)
        )

    def signer(self, request: KeyRequest) -> Signer:
        """See `BackendSpec.load_signer`."""
        reference, origin = reference_of(request.handle), origin_of(request.handle)
        return HsmSigner(self._access, reference, request.public_key, origin)

    def find(self, request: FindKeyRequest) -> tuple[CreatedKey, ...]:
        """See `BackendSpec.find_key`."""
        key_id, label, token = (request.key_id, "", TokenChoice()) if request.key_id else _described(request.options)

        def look(token_session: TokenSession) -> tuple[CreatedKey, ...]:
            token_session.token.check_is(token, self._access.subject)
            place = self._access.describe(token_session.token)
            found = keys.find(token_session, key_id or b"", label, place, request.public_key)
            if request.one and len(found) != 1:
                raise no_unique_key(token_session, len(found), place)
            return tuple(
                replace(_created(token_session, key.reference, key.public_key), notes=notes_about(key.private))
                for key in found
            )

        return self._access.run(look)

    def list(self) -> tuple[ListedKey, ...]:
        """See `BackendSpec.list_keys`."""

        def look(token_session: TokenSession) -> tuple[ListedKey, ...]:
            place = self._access.describe(token_session.token)
            return tuple(_listed(token_session, found, place) for found in private_keys(token_session))

        return self._access.run(look)

    def describe(self, request: KeyRequest) -> KeyDescription:
        """See `BackendSpec.describe_key`."""
        reference = reference_of(request.handle)

        def look(token_session: TokenSession) -> KeyDescription:
            found = locate(token_session, reference, request.public_key)
            place = self._access.describe(token_session.token, str(reference))
            if found is None:
                raise KeyMissingError(f"{place}: is not there", hint=f"look for it in {origin_of(request.handle)}")
            values = read(found, Attribute.LOCAL, Attribute.EXTRACTABLE)
            made: dict[bool | None, KeyOrigin] = {True: "here", False: "elsewhere", None: "unknown"}
            return KeyDescription(
                place=place, made=made[values.get(Attribute.LOCAL)], can_leave=values.get(Attribute.EXTRACTABLE)
            )

        return self._access.run(look, str(reference))

    def delete(self, request: KeyRequest) -> bool:
        """See `BackendSpec.delete_key`."""
        reference = reference_of(request.handle)
        task = partial(keys.delete, reference=reference, public_key=request.public_key)
        return self._access.run(task, str(reference), writing=True)

    def _make(
        self, request: CreateKeyRequest | ImportKeyRequest, make: Callable[[TokenSession, KeyReference, str], PublicKey]
    ) -> CreatedKey:
        """Make a key: what may be in the way is found out, and put right, by the search before it.

        Where the token fails without saying why, its module is initialised again and the key created once more, if
        nothing of it is there: some modules keep loaded what they have made, and have no room until then (tpm2-pkcs11).
        """
        reference = _new_reference(request)
        about = str(reference)

        def check(token_session: TokenSession) -> None:
            keys.check_free(token_session, reference, self._access.describe(token_session.token))

        def task(token_session: TokenSession) -> CreatedKey:
            return _created(
                token_session,
                reference,
                make(token_session, reference, self._access.describe(token_session.token, about)),
            )

        self._access.run(check, about)
        generation = self._access.generation
        try:
            return self._access.run(task, about, writing=True, repeat=False)
        except BackendFailedError as failed:
            if not is_vague(failed) or not self._access.reinitialise(generation, _MAKING):
                raise
            if self._access.run(lambda token_session: keys.is_id_in_use(token_session, reference), about):
                raise  # it was made after all; the caller finds it by its id
        made = self._access.run(task, about, writing=True, repeat=False, renewed=True)
        self._access.note_success(_MAKING)
        return made


def _new_reference(request: CreateKeyRequest | ImportKeyRequest) -> KeyReference:
    """Id and label of a new key. Keys of OCSP responders follow one another, so their labels have the id in them."""
    label = request.options.get("key-label")
    if label is None:
        unique = f" {request.role} {request.key_id.hex()[:8]}" if request.role != "ca" else ""
        label = f"{request.ca.name}{unique}"
    if not str(label).strip():
        raise InputError("key label: is empty", hint="give the key another label, or leave it out")
    return KeyReference(request.key_id, _checked_label(str(label)))


def _listed(token_session: TokenSession, private: Object, place: str) -> ListedKey:
    reference = reference_to(private)
    try:
        public_key = public_key_of(token_session, private)
    except KeyUnsupportedError:  # of another program
        public_key = None
    return ListedKey(name=f"{place}, {reference}", key_id=reference.id or None, public_key=public_key)


def _created(token_session: TokenSession, reference: KeyReference, public_key: PublicKey) -> CreatedKey:
    handle = handle_of(reference, token=token_session.token.label, serial=token_session.token.serial)
    return CreatedKey(handle=handle, public_key=public_key)


def _described(options: Mapping[str, object]) -> tuple[bytes, str, TokenChoice]:
    """Id, label and token of a key to adopt.

    Raises:
        InputError: They cannot be read, contradict one another, or say nothing.
    """
    label, key_id, uri = (str(options.get(name) or "") for name in ("key-label", "key-id", "key-uri"))
    parsed = _key_uri(uri) if uri else Pkcs11Uri()
    found_id = _from_hex(key_id) if key_id else b""
    if (parsed.id and found_id not in (b"", parsed.id)) or label not in ("", parsed.path.get("object", label)):
        raise InputError("key to adopt: its URI and the other options do not agree", hint="leave one of them out")
    found_id, label = found_id or parsed.id or b"", label or parsed.path.get("object", "")
    if not (found_id or label):
        raise InputError(
            "key to adopt: no option says which key of the token is meant", hint="give its key label, key id or key URI"
        )
    return found_id, _checked_label(label), TokenChoice.in_uri(parsed)


def _checked_label(label: str) -> str:
    """Refuse what is not text; python-pkcs11 ends the process when it cannot encode a label."""
    if not label.isprintable():
        raise InputError("key label: has control characters in it, or is not text", hint="write it as it is shown")
    return label


def _key_uri(text: str) -> Pkcs11Uri:
    try:
        uri = parse_uri(text)
    except ValueError as error:
        raise InputError(f"key URI: {error}", hint="write it as in pkcs11:object=label;id=%01%02") from None
    if uri.path.get("type", "private") != "private":
        raise InputError("key URI: its type is not private", hint="name the private key, with type=private or none")
    if "module-name" in uri.query:
        raise InputError("key URI: names a module without its file", hint="write module-path, or leave it out")
    if {"pin-value", "pin-source"} & set(uri.query):
        raise InputError("key URI: has a PIN in it", hint="leave it out, and give the PIN as an option or variable")
    return uri


def _from_hex(text: str) -> bytes:
    """As tools show ids: ``01ab``, ``01:ab``, ``0x01ab``, and ``%01%ab`` as in a PKCS#11 URI."""
    text = text.strip().removeprefix("0x").replace("%", "")
    if not _HEX.fullmatch(text):
        raise InputError("key id: is not hexadecimal", hint="write it as pkcs11-tool shows it, such as 01ab")
    return bytes.fromhex(text.replace(":", ""))
