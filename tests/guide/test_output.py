"""Outputs that a page shows are compared with care: what varies may differ, and nothing else."""

from __future__ import annotations

import pytest

from guide.blocks import blocks
from guide.output import agrees, differences, rewritten

pytestmark = pytest.mark.databases(because="nothing is opened")

PAGE = """\
Text.

```bash
echo one
```

```text
one
```

More.

```bash
echo two
```

<!-- not run: it needs another host -->
```bash
reboot
```
"""


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("serial 44be680466d404ce61396b26, until 2036-11-26\n", "serial 0123456789abcdef01234567, until 2037-01-02\n"),
        ("NAME      EXPIRES\nRoot      2036-11-26\n", "NAME  EXPIRES\nRoot  2036-11-26\n"),
        ("notAfter=Nov  9 14:10:41 2026 GMT\n", "notAfter=Dec 29 01:00:00 2027 GMT\n"),
        ("first\n[…]\nlast\n", "first\nx\ny\nlast\n"),
        ("-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n",) * 2,
    ],
)
def test_what_differs_from_run_to_run_may_differ(shown: str, printed: str) -> None:
    assert agrees(shown, printed)


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("serial 44be680466d404ce61396b26\n", "serial \n"),
        ("Created authority Root\n", "Made authority Root\n"),
        ("first\n[…]\nlast\n", "first\nx\n"),
        ("", "a warning\n"),
        ("a warning\n", ""),
        ("CRL number 1\n", "CRL number 2\n"),
    ],
)
def test_nothing_else_may_differ(shown: str, printed: str) -> None:
    assert not agrees(shown, printed)


def test_a_changed_output_is_shown_as_a_diff_and_rewritten_where_it_stands() -> None:
    found = [block for block in blocks(PAGE) if block.is_run]
    ran = list(zip(found, ["1\n", "two\n"], strict=True))
    assert [line for line in differences("page.md", ran).splitlines() if line[0] in "+-" and line[1] != line[0]] == [
        "-one",
        "+1",
        "+two",
    ]
    page = rewritten(PAGE, ran)
    again = list(zip([block for block in blocks(page) if block.is_run], ["1\n", "two\n"], strict=True))
    assert differences("page.md", again) == ""
    assert rewritten(page, again) == page
    assert page.endswith("<!-- not run: it needs another host -->\n```bash\nreboot\n```\n")


def test_an_output_that_is_no_more_is_taken_out() -> None:
    found = [block for block in blocks(PAGE) if block.is_run]
    assert "```text" not in rewritten(PAGE, list(zip(found, ["", ""], strict=True)))
