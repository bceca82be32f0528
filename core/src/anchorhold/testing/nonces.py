"""ECDSA nonces: two signatures with the same r over different messages give the private key away (FIPS 186-5, A.3)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from anchorhold.public_keys import spec_of
from anchorhold.testing.harness import MESSAGE, until_free
from anchorhold.testing.key_kinds import algorithms

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from anchorhold.plugin import CreatedKey
    from anchorhold.testing.harness import Harness

EACH: Final = 10
"""Signatures of one signer."""


def repeated_nonces(harness: Harness, others: Sequence[bytes]) -> int:
    """How many ECDSA signatures share their r with another.

    A signature that depends on nothing but key and message (RFC 6979) repeats its r only with the message.

    Args:
        harness: Makes more of them, with two keys and two signers for one of these.
        others: Signatures of another process, over messages that are not signed here.
    """
    first, second = harness.create(), harness.create()
    made = [*others]
    for number, key in enumerate((first, first, second)):
        made += _signatures(harness, key, b"signer %d" % number)
    found = [decode_dss_signature(signature)[0] for signature in made]
    return len(found) - len(set(found))


def _signatures(harness: Harness, key: CreatedKey, label: bytes) -> Iterator[bytes]:
    with harness.lent(key) as signer:
        algorithm = algorithms(spec_of(signer.public_key), harness.offered)[0]
        for number in range(EACH):
            yield until_free(partial(signer.sign, MESSAGE + b", %s, %d" % (label, number), algorithm))
