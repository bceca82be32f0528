"""Keys of a token: made, brought in, found, deleted. Each function works in a session that was lent to it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from pkcs11.exceptions import PKCS11Error

from anchorhold.errors import BackendFailedError, KeyExistsError, KeyInvalidError
from anchorhold.public_keys import spec_of, spki
from anchorhold.remedy import Remedy
from anchorhold_hsm import objects
from anchorhold_hsm.templates import GUARDS, templates_of
from anchorhold_hsm.token_capabilities import generate_pair, refused_key

if TYPE_CHECKING:
    from anchorhold.algorithms import KeySpec
    from anchorhold.public_keys import PublicKey
    from anchorhold.software_keys import PrivateKey
    from anchorhold_hsm.handles import KeyReference
    from anchorhold_hsm.objects import Object
    from anchorhold_hsm.session import TokenSession


def check_free(token_session: TokenSession, reference: KeyReference, subject: str) -> None:
    """Refuse an id or label that a private key has: some tokens would overwrite it silently.

    Raises:
        KeyExistsError: One is taken.
    """
    if objects.private_keys(token_session, label=reference.label):
        raise KeyExistsError(
            f"{subject}: a private key with the label {reference.label!r} is there already",
            hint="choose another key label, or adopt the key that is there",
            remedy=Remedy("options.adopt"),
        )
    if objects.private_keys(token_session, reference.id):
        raise KeyExistsError(
            f"{subject}: a private key with the id {reference.id.hex()} is there already",
            hint="repeat the command",
        )


def generate(token_session: TokenSession, spec: KeySpec, reference: KeyReference, subject: str) -> PublicKey:
    """Make a key pair in the token.

    Raises:
        KeyUnsupportedError: The token does not make such a key; says which it makes.
        BackendFailedError: What came out could leave the token; it was destroyed again.
        KeyExistsError: Another process has made a key with the same id meanwhile.
        KeyInvalidError: What came out cannot be read.
        PKCS11Error: The token does not answer.
    """
    try:
        public, private = generate_pair(token_session, spec, reference, store=True)
    except PKCS11Error as error:
        refusal = refused_key(token_session, spec, error, subject)
        if refusal is None:
            raise
        raise refusal from error
    check_key_attributes(private, (private, public), subject)
    _check_alone(token_session, reference, (private, public), subject)
    return _readable(token_session, private, (private, public), subject)


def import_pair(token_session: TokenSession, key: PrivateKey, reference: KeyReference, subject: str) -> PublicKey:
    """Put a key pair that was made elsewhere into the token. The public half goes first: alone it does no harm.

    Raises:
        BackendFailedError, KeyExistsError, KeyInvalidError: As `generate`.
        KeyUnsupportedError: There is no agreed form for such a key, or the token does not take it.
        PKCS11Error: The token does not answer.
    """
    public_template, private_template = templates_of(key, reference)
    made: list[Object] = []
    try:
        made.append(token_session.session.create_object(public_template))
        made.append(token_session.session.create_object(private_template))
    except PKCS11Error as error:
        with suppress(PKCS11Error):  # the first error is the one to tell
            objects.destroy(made)
        refusal = refused_key(token_session, spec_of(key.public_key()), error, subject, imported=True)
        if refusal is None:
            raise
        raise refusal from error
    public, private = made
    check_key_attributes(private, (private, public), subject)
    _check_alone(token_session, reference, (private, public), subject)
    return _readable(token_session, private, (private, public), subject)


def is_id_in_use(token_session: TokenSession, reference: KeyReference) -> bool:
    """Whether there is a private or public key of that id."""
    return bool(objects.private_keys(token_session, reference.id) or objects.public_objects(token_session, reference))


class FoundKey(NamedTuple):
    """A private key with its public half, and what it is found by."""

    private: Object
    reference: KeyReference
    public_key: PublicKey


def find(
    token_session: TokenSession, key_id: bytes, label: str, subject: str, expected: PublicKey | None = None
) -> list[FoundKey]:
    """Private keys by id, label or both, with their public halves.

    Args:
        token_session: A session.
        key_id: Their id; empty for any.
        label: Their label; empty for any.
        subject: Alias and token, for messages.
        expected: The public half of the one that is meant. It is taken for a key whose public half is not in the token;
            the adopter has to have it prove itself. Of several that fit, the ones with this half are meant.

    Raises:
        KeyInvalidError: The public half of one is not in the token, and nobody else has it.
    """
    found = []
    for private in objects.private_keys(token_session, key_id, label):
        reference, half = objects.reference_to(private), objects.public_key_of(token_session, private) or expected
        if half is None:
            raise _without_public_half(f"{subject}, {reference}")
        found.append(FoundKey(private, reference, half))
    if expected is not None and len(found) > 1:
        fitting = [key for key in found if spki(key.public_key) == spki(expected)]
        return fitting or found
    return found


def delete(token_session: TokenSession, reference: KeyReference, public_key: PublicKey) -> bool:
    """Destroy a key pair permanently.

    Returns:
        Whether the private key was there.
    """
    private = objects.locate(token_session, reference, public_key)
    others = objects.private_keys(token_session, reference.id, "" if reference.id else reference.label)
    if private is not None:
        private.destroy()
    if len(others) < 2:
        objects.destroy(objects.public_objects(token_session, reference))
    return private is not None


def check_key_attributes(private: Object, made: tuple[Object, ...], subject: str) -> None:
    """Read back that a new private key is private, sensitive and not extractable; destroy it if it is not.

    Raises:
        BackendFailedError: It was not.
    """
    values = objects.read(private, *GUARDS)
    wrong = [attribute.name for attribute, wanted in GUARDS.items() if values.get(attribute) is not wanted]
    if wrong:
        objects.destroy(made)
        raise BackendFailedError(
            f"{subject}: the token made a key that is not protected ({', '.join(wrong)}), so it was destroyed again",
            hint="see the manual of the device for keys that are sensitive and cannot be extracted",
        )


def _check_alone(token_session: TokenSession, reference: KeyReference, made: tuple[Object, ...], subject: str) -> None:
    """Look again: tokens let two processes that have both seen a free id have it, and neither key is found by it then.

    Raises:
        KeyExistsError: Another process has created a key with the same id; this one was destroyed again.
    """
    if len(objects.private_keys(token_session, reference.id)) > 1:
        objects.destroy(made)
        raise KeyExistsError(
            f"{subject}: a private key with the id {reference.id.hex()} was made by another process at the same moment",
            hint="repeat the command",
        )


def _readable(token_session: TokenSession, private: Object, made: tuple[Object, ...], subject: str) -> PublicKey:
    half = objects.public_key_of(token_session, private)
    if half is None:
        objects.destroy(made)
        raise _without_public_half(subject)
    return half


def _without_public_half(subject: str) -> KeyInvalidError:
    return KeyInvalidError(
        f"{subject}: its public key is not in the token in a form that can be read",
        hint="put the public key or the certificate into the token, under the same id; with a certificate at hand, "
        "adopt the key",
        remedy=Remedy("authorities.import_", {"adopt": True}),
    )
