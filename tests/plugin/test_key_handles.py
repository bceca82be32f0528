"""A key handle and its JSON form, which the ledger stores."""

from __future__ import annotations

import json

import pytest

from anchorhold.plugin import KeyHandle

HANDLE = KeyHandle(version=3, data={"path": "ca/2a.key", "slots": [1, 2]})


def test_a_handle_comes_back_from_the_text_in_the_ledger() -> None:
    assert KeyHandle.from_json(json.loads(json.dumps(HANDLE.to_json()))) == HANDLE


def test_the_json_form_of_a_handle_is_what_ledgers_have() -> None:
    assert HANDLE.to_json() == {"version": 3, "data": {"path": "ca/2a.key", "slots": [1, 2]}}


def test_the_json_form_is_a_copy() -> None:
    HANDLE.to_json()["data"]["path"] = "elsewhere"
    assert HANDLE.data["path"] == "ca/2a.key"


@pytest.mark.parametrize("stored", [{}, {"version": 1}, {"data": {}}])
def test_a_handle_without_one_of_its_members_is_not_guessed(stored: dict[str, object]) -> None:
    with pytest.raises(KeyError):
        KeyHandle.from_json(stored)
