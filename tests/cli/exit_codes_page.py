"""The page docs/exit-codes.md, written from the error classes.

To regenerate it::

    python tests/cli/exit_codes_page.py > docs/exit-codes.md
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Final

from anchorhold.cli.reporting import USAGE_CODE
from anchorhold.errors import AnchorholdError, error_classes

PAGE: Final = Path(__file__).parents[2] / "docs" / "exit-codes.md"
REGENERATE: Final = "python tests/cli/exit_codes_page.py > docs/exit-codes.md"
GENERAL: Final = {
    0: ("", "Done."),
    1: (
        AnchorholdError.code,
        "An unexpected error; a bug, please report it with the output of `--debug`.",
    ),
    2: (USAGE_CODE, "Wrong usage of the command line: an unknown command or option, or a missing argument."),
    130: ("", "Interrupted with Ctrl-C; `anchorhold recover` lists unfinished operations."),
    141: ("", "The reader of standard output closed it, as `head` does."),
}
"""Exit codes without a class: the code of the error, and what it means."""

HEAD: Final = """\
# Exit codes

Data goes to standard output, messages to standard error. A command that fails prints one line,
`anchorhold: what is wrong; what to do`, and exits with the code of its kind of error. With `--debug`, written
before the name of the command, the traceback comes before that line. The classes are those of `anchorhold.errors`;
Python programs catch them instead.

## Errors as JSON

A command that was given `--output-format json` prints its error as JSON: the last line of standard error is one
object. The exit code is the same.

| member | content |
| --- | --- |
| `code` | The kind of error, from the table below. It never changes. |
| `title` | The name of the error kind. |
| `detail` | What is wrong. |
| `hint` | What to do, without shell commands. |
| `remedy` | The operation that fixes it: `operation`, and `arguments` by name (`null`: to choose); `null` if none. |
| `command` | The remedy as a command or as options of the command that was run; `null` if there is none. |
| `exit_code` | The exit code. |

In Python an error has `code`, `problem`, `hint` and `remedy`. `error.to_problem()` gives the members of problem
details (RFC 9457): `type`, which is `urn:anchorhold:error:` and the code, `title`, `detail`, and as extensions `code`,
`hint` and `remedy`. A web server adds `status`.

## Codes

<!-- Generated: python tests/cli/exit_codes_page.py > docs/exit-codes.md -->

| exit code | code | error class | meaning |
| ---: | --- | --- | --- |
"""


def page() -> str:
    """The page as it must be."""
    rows = {exit_code: (_as_code(code), "", meaning) for exit_code, (code, meaning) in GENERAL.items()}
    rows |= {
        error.exit_code: (_as_code(error.code), _as_code(error.__name__), _meaning(error)) for error in error_classes()
    }
    return HEAD + "".join(f"| {exit_code} | {' | '.join(row)} |\n" for exit_code, row in sorted(rows.items()))


def _as_code(text: str) -> str:
    return f"`{text}`" if text else ""


def _meaning(error: type[AnchorholdError]) -> str:
    """The first paragraph of the class's own docstring, on one line."""
    return " ".join(inspect.cleandoc(error.__doc__ or "").partition("\n\n")[0].split())


if __name__ == "__main__":
    sys.stdout.write(page())
