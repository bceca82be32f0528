"""What should not happen is told as a number, and logged under it without the words of the error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from anchorhold_desk.api.http_problems import defect_response

if TYPE_CHECKING:
    import logging

pytestmark = pytest.mark.databases(because="no ledger is opened")

SECRET = "a secret that an error repeats"  # not one


def _fail() -> None:
    raise KeyError(SECRET)


def test_a_defect_is_told_as_a_number(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(KeyError) as caught:
        _fail()
    answer = defect_response(caught.value)
    told = json.loads(bytes(answer.body))
    assert (answer.status_code, told["code"], answer.media_type) == (500, "internal-error", "application/problem+json")
    (record,) = caplog.records
    logged = caplog.text
    number = told["detail"].rpartition(" ")[2].strip(")")
    assert number in logged
    assert "KeyError" in logged
    assert "in _fail" in logged
    assert _is_silent(record)
    assert SECRET not in logged + json.dumps(told)


def _is_silent(record: logging.LogRecord) -> bool:
    """Whether nothing adds the error itself."""
    return record.exc_info is None and SECRET not in record.getMessage()
