"""What there is to know about a key that others made, and which keys there are when none or several fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pkcs11 import Attribute, ObjectClass

from anchorhold.errors import KeyExistsError, KeyMissingError
from anchorhold_hsm import objects

if TYPE_CHECKING:
    from anchorhold_hsm.objects import Object
    from anchorhold_hsm.session import TokenSession

MAX_LISTED: Final = 20
"""Keys that a message names, at most."""

_NOTES: Final = (
    (Attribute.PRIVATE, False, "can be used without a PIN (CKA_PRIVATE is false)"),
    (Attribute.SENSITIVE, False, "can be read out of the token in plain (CKA_SENSITIVE is false)"),
    (Attribute.EXTRACTABLE, True, "can be taken out of the token, under another key (CKA_EXTRACTABLE is true)"),
)
"""PKCS #11 v2.40, sections 4.4, 4.9: what is not so with the keys that are made here."""
_WAS_OUTSIDE: Final = (
    "was not always guarded by the token, so there may be copies of it (CKA_NEVER_EXTRACTABLE is false)"
)


def notes_about(private: Object) -> tuple[str, ...]:
    """How a key is less guarded than those that are made here, as ends of sentences."""
    values = objects.read(private, *(attribute for attribute, _, _ in _NOTES), Attribute.NEVER_EXTRACTABLE)
    notes = tuple(text for attribute, bad, text in _NOTES if values.get(attribute) is bad)
    return notes or ((_WAS_OUTSIDE,) if values.get(Attribute.NEVER_EXTRACTABLE) is False else ())


def no_unique_key(token_session: TokenSession, fitting: int, subject: str) -> KeyMissingError | KeyExistsError:
    """The error where no key to adopt fits, or several do: with those that are there, by id and label.

    Args:
        token_session: A session.
        fitting: How many fit.
        subject: Alias and token.
    """
    shown = _inventory(token_session)
    if not fitting:
        return KeyMissingError(
            f"{subject}: has no matching key to adopt", hint=f"check its description; keys in the token: {shown}"
        )
    return KeyExistsError(
        f"{subject}: has {fitting} matching keys to adopt",
        hint=f"describe it more precisely; keys in the token: {shown}",
    )


def _inventory(token_session: TokenSession) -> str:
    """Private keys, each with the labels of its certificates: some tools give a label to those only.

    Certificates without a private key follow, since the key may be one that this PIN does not show, or elsewhere.
    """
    certificates: dict[bytes, list[str]] = {}
    for found in objects.search(token_session, ObjectClass.CERTIFICATE):
        values = objects.read(found, Attribute.ID, Attribute.LABEL)
        certificates.setdefault(values.get(Attribute.ID, b""), []).append(values.get(Attribute.LABEL) or "")
    private = objects.private_keys(token_session)
    shown = sorted(_described(found, certificates) for found in private[:MAX_LISTED])
    more = [f"{len(private) - MAX_LISTED} more"] if len(private) > MAX_LISTED else []
    ids = {objects.reference_to(found)[0] for found in private}
    alone = sorted(
        f"certificate {label!r} without a key (ID {key_id.hex() or 'none'})"
        for key_id, labels in certificates.items()
        if key_id not in ids
        for label in labels
    )
    if len(alone) > MAX_LISTED:
        alone[MAX_LISTED:] = [f"{len(alone) - MAX_LISTED} certificates more"]
    return ", ".join([*shown, *more, *alone]) or "none"


def _described(private: Object, certificates: dict[bytes, list[str]]) -> str:
    key_id, label = objects.reference_to(private)
    parts = [f"id {key_id.hex()}" if key_id else "no id"]
    parts += [f"certificate {name!r}" for name in certificates.get(key_id, ()) if key_id and name]
    return f"{f'{label!r}' if label else 'one without a label'} ({', '.join(parts)})"
