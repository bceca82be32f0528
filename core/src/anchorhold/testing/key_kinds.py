"""The kinds of keys and the algorithms that capabilities stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from anchorhold.algorithms import CURVES, KEY_TYPES, Algorithm, KeySpec

if TYPE_CHECKING:
    from anchorhold.plugin import Capabilities

_USUAL_RSA: Final = 3072
_STEP: Final = 8
"""Bits from one size of RSA keys to the next."""
_WITH_CHOICE: Final = ("EC", "RSA")


def key_kinds(offered: Capabilities) -> list[KeySpec]:
    """The kinds of keys to try: each type and curve; RSA in the smallest size and in the one that is usual."""
    found = [KeySpec(type="EC", curve=curve) for curve in offered.curves if "EC" in offered.key_types]
    if "RSA" in offered.key_types:
        smallest, largest = offered.rsa_sizes
        found += [
            KeySpec(type="RSA", size=size) for size in sorted({smallest, min(max(_USUAL_RSA, smallest), largest)})
        ]
    return found + [KeySpec(type=name) for name in offered.key_types if name not in _WITH_CHOICE]


def unusual_rsa(offered: Capabilities) -> KeySpec | None:
    """The smallest RSA key of a size that nobody takes; None if there is none within the bounds."""
    smallest, largest = offered.rsa_sizes
    size = smallest + _STEP
    return KeySpec(type="RSA", size=size) if "RSA" in offered.key_types and size < largest else None


def one_of_each_type(offered: Capabilities) -> list[KeySpec]:
    """The first kind of each type of key."""
    return list({kind.type: kind for kind in reversed(key_kinds(offered))}.values())[::-1]


def simplest(offered: Capabilities) -> KeySpec:
    """The kind of key for tests to which it does not matter: on P-256 if there is one, and no RSA key if possible."""
    return min(key_kinds(offered), key=lambda kind: (kind.curve != "secp256r1", kind.type == "RSA"))


def algorithms(kind: KeySpec, offered: Capabilities) -> list[Algorithm]:
    """All signature algorithms for a kind of key; its own hash comes first where that is offered."""
    if kind.type not in _WITH_CHOICE:
        return [kind.algorithm()]
    hashes = sorted(offered.hashes, key=lambda name: name != kind.default_hash())
    paddings = offered.rsa_paddings if kind.type == "RSA" else (None,)
    return [kind.algorithm(name, padding) for padding in paddings for name in hashes]


def unsupported_kinds(offered: Capabilities) -> list[KeySpec]:
    """Kinds of keys that core knows and these capabilities leave out."""
    largest = offered.rsa_sizes[1]
    known = [
        *(KeySpec(type="EC", curve=curve) for curve in CURVES),
        KeySpec(type="RSA", size=offered.rsa_sizes[0] if "RSA" not in offered.key_types else largest + _STEP),
        *(KeySpec(type=name) for name in KEY_TYPES if name not in _WITH_CHOICE),
    ]
    within = key_kinds(offered)
    return [kind for kind in known if kind not in within]
