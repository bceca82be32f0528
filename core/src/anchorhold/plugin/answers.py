"""What may be wrong with an answer of a plugin, as the end of a sentence; None if nothing is.

An object of a plugin runs code of it wherever it is looked at, so nothing here trusts it to answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_args

from anchorhold.algorithms import RSA_PADDINGS
from anchorhold.errors import AnchorholdError
from anchorhold.pkcs8 import load_private_key
from anchorhold.plugin.blame import keep_interrupt
from anchorhold.plugin.capabilities import Capabilities
from anchorhold.plugin.inventory import KeyDescription, KeyOrigin, ListedKey
from anchorhold.plugin.requests import CreatedKey, KeyHandle
from anchorhold.public_keys import spec_of, spki

if TYPE_CHECKING:
    from anchorhold.plugin.requests import OcspStore
    from anchorhold.public_keys import PublicKey
    from anchorhold.secret import Secret


def fault_of_key(created: Any) -> str | None:
    """Of what should be a `CreatedKey`."""
    if not isinstance(created, CreatedKey) or not isinstance(created.handle, KeyHandle):
        return "did not return a CreatedKey with a KeyHandle"
    if not _is_public_key(created.public_key):
        return "returned no public key that can be used"
    try:
        survives = json.loads(json.dumps(dict(created.handle.data), allow_nan=False)) == created.handle.data
    except BaseException as error:
        keep_interrupt(error)
        survives = False
    return None if survives else "returned a handle that is not JSON"


def fault_of_signer(signer: Any) -> str | None:
    """Of what should be a `Signer`."""
    try:
        is_signer = all(hasattr(signer, name) for name in ("public_key", "sign", "close"))
        public_key = signer.public_key if is_signer else None
    except BaseException as error:
        keep_interrupt(error)
        return f"returned a signer whose public_key raises {type(error).__name__}"
    if not is_signer:
        return f"returned a {type(signer).__name__}, not a signer"
    return None if _is_public_key(public_key) else "returned a signer without a usable public key"


def is_signer_of(signer: Any, public_key: PublicKey) -> bool:
    """Whether it is a signer that has this public key."""
    return fault_of_signer(signer) is None and spki(signer.public_key) == spki(public_key)


def fault_of_export(exported: Secret, public_key: PublicKey) -> str | None:
    """Of what should be the private half of a public key, as unencrypted PKCS#8."""
    try:
        found = load_private_key(exported.reveal_bytes(), None, "exported key").public_key()
    except AnchorholdError:
        return "returned no unencrypted PKCS#8"
    return None if spki(found) == spki(public_key) else "returned another key than that of the handle"


def fault_of_list(listed: tuple[Any, ...]) -> str | None:
    """Of what should be a tuple of `ListedKey`."""
    for key in listed:
        if not isinstance(key, ListedKey):
            return f"returned a {type(key).__name__} among the keys, not a ListedKey"
        members: tuple[Any, ...] = (key.name, key.key_id or b"")
        if [type(member) for member in members] != [str, bytes]:
            return "returned a key whose name is not text or whose id is not octets"
        if key.public_key is not None and not _is_public_key(key.public_key):
            return "returned a key with a public key that cannot be used"
    return None


def fault_of_description(described: KeyDescription) -> str | None:
    """Of the members of a `KeyDescription`."""
    place: Any = described.place
    knows = described.made in get_args(KeyOrigin) and described.can_leave in (True, False, None)
    if not isinstance(place, str) or not knows:
        return "returned a description whose members are not what they should be"
    return None


def fault_of_ocsp_store(store: OcspStore) -> str | None:
    """Of the members of an `OcspStore`."""
    options: Any = store.options
    if not isinstance(options, Mapping):
        return f"returned options that are a {type(options).__name__}, not a mapping"
    for name in ("unattended", "generated"):
        found: Any = getattr(store, name)
        if not _is_names(found):
            return f"returned {name} that is not a frozenset of names"
    return None


def fault_of_capabilities(declared: Any) -> str | None:
    """Of what should be `Capabilities`, or None for all that core knows."""
    if declared is None:
        return None
    if not isinstance(declared, Capabilities):
        return f"capabilities are of the type {type(declared).__name__}, not Capabilities"
    for name in ("key_types", "curves", "hashes", "rsa_paddings"):
        found: Any = getattr(declared, name)
        if not _is_names(found):
            return f"capabilities.{name} is not a tuple of names"
    if not set(declared.rsa_paddings) <= set(RSA_PADDINGS):
        return f"capabilities.rsa_paddings has other names than {' and '.join(RSA_PADDINGS)}"
    sizes: Any = declared.rsa_sizes
    if not isinstance(sizes, tuple | list) or len(sizes) != 2 or not all(isinstance(size, int) for size in sizes):
        return "capabilities.rsa_sizes is not two numbers of bits"
    return None


def _is_names(found: Any) -> bool:
    """Whether it is a collection of texts; one text is not."""
    return isinstance(found, tuple | list | set | frozenset) and all(isinstance(each, str) for each in found)


def _is_public_key(key: object) -> bool:
    try:
        spec_of(key)
        spki(key)  # type: ignore[arg-type]  # spec_of has refused all else
    except BaseException as error:
        keep_interrupt(error)
        return False
    return True
