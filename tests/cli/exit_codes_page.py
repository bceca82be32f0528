"""The page docs/exit-codes.md, written from the error classes.

To write it anew::

    python tests/cli/exit_codes_page.py > docs/exit-codes.md
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from anchorhold.errors import error_classes

if TYPE_CHECKING:
    from anchorhold.errors import AnchorholdError

PAGE: Final = Path(__file__).parents[2] / "docs" / "exit-codes.md"
REGENERATE: Final = "python tests/cli/exit_codes_page.py > docs/exit-codes.md"
GENERAL: Final = {
    0: "Done.",
    1: "Something that nobody foresaw; a defect, please report it with the output of `--debug`.",
    2: "Wrong usage of the command line: an unknown command or option, or a missing argument.",
    130: "Interrupted with Ctrl-C; `anchorhold recover` lists what is half done.",
    141: "Whoever read standard output closed it, as `head` does.",
}
HEAD: Final = """\
# Exit codes

Data goes to standard output, everything else to standard error. A command that fails on purpose prints one line,
`anchorhold: what is wrong; what to do`, and ends with the code of its kind of error. With `--debug`, written before
the name of the command, the traceback comes before that line. The classes are those of `anchorhold.errors`; Python
programs catch them instead.

<!-- Generated: python tests/cli/exit_codes_page.py > docs/exit-codes.md -->

| code | error class | meaning |
| ---: | --- | --- |
"""


def page() -> str:
    """The page as it must be."""
    rows = {code: ("", meaning) for code, meaning in GENERAL.items()}
    rows |= {error.exit_code: (f"`{error.__name__}`", _meaning(error)) for error in error_classes()}
    return HEAD + "".join(f"| {code} | {name} | {meaning} |\n" for code, (name, meaning) in sorted(rows.items()))


def _meaning(error: type[AnchorholdError]) -> str:
    """The first paragraph of the class's own docstring, on one line."""
    return " ".join(inspect.cleandoc(error.__doc__ or "").partition("\n\n")[0].split())


if __name__ == "__main__":
    sys.stdout.write(page())
