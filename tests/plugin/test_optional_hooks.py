"""Hooks that a later release will have: a wrapper that says so runs with this one, and one that does not is refused."""

from __future__ import annotations

from typing import Any

import pytest

from anchorhold.errors import BackendContractError
from anchorhold.plugin import hookimpl
from plugin.fake_backends import MemoryBackend, Recorder, bound, create_request

pytestmark = pytest.mark.databases(because="nothing here opens a ledger")


class Ready(Recorder):
    """Wraps a hook that this release does not call."""

    @hookimpl(wrapper=True, optionalhook=True)
    def sign_by_moonlight(self, request: Any) -> Any:
        raise AssertionError("nobody calls it")


class Misspelt(Recorder):
    """Means another hook."""

    @hookimpl(wrapper=True)
    def sing(self, request: Any) -> Any:
        return (yield)


def test_a_hook_of_a_later_release_is_left_alone() -> None:
    backend = bound(MemoryBackend, [Ready])
    assert backend.create_key(create_request(), None).public_key is not None  # type: ignore[arg-type]  # needs none


def test_a_hook_that_is_in_no_release_is_refused() -> None:
    with pytest.raises(BackendContractError, match="sing"):
        bound(MemoryBackend, [Misspelt])
