"""A signer that threads share is closed once, after its last use, and nobody begins to use one that was given back."""

from __future__ import annotations

from typing import Any

import pytest

from anchorhold_server.signer_uses import SignerUses


@pytest.fixture
def closed() -> list[Any]:
    return []


@pytest.fixture
def uses(closed: list[Any]) -> SignerUses:
    return SignerUses(closed.append)


def test_one_that_is_in_use_is_closed_after_its_last_use(uses: SignerUses, closed: list[Any]) -> None:
    signer: Any = object()
    uses.lend(signer)
    assert uses.begin(signer)
    assert uses.begin(signer)
    uses.give_back(signer)
    uses.end(signer)
    assert closed == []
    uses.end(signer)
    assert closed == [signer]


def test_one_that_was_given_back_is_not_begun_with(uses: SignerUses, closed: list[Any]) -> None:
    signer: Any = object()
    another: Any = object()
    uses.lend(signer)  # a thread has got it here, and is slow
    uses.give_back(signer)
    assert closed == [signer]
    assert not uses.begin(signer)
    uses.lend(another)
    assert not uses.begin(signer)
    assert uses.begin(another)
