"""What other libraries raise over what strangers wrote: guarded in one place, with the cause that they name."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar

from anchorhold.errors import AnchorholdError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_T = TypeVar("_T")

_PARSE_ERROR: Final = re.compile(r"ParseError \{ kind: (?P<kind>.+?)(?:, location: \[(?P<place>.*)\])? \}", re.DOTALL)
_SEE: Final = re.compile(r" ?\bSee https?://\S+ for more details\.?")
_MAX_LENGTH: Final = 160
_MAX_LINE_LENGTH: Final = 4_000
_LAST_LETTERS: Final = 500
"""Of a line that is longer: what to do stands there."""


@contextmanager
def guard_parser(told: Callable[[str], Exception]) -> Iterator[None]:
    """Turn whatever a library raises inside into an error of ours; ours pass.

    No list of classes is kept: a parser raises what it has (``InvalidVersion`` is no ``ValueError``), and a panic of
    a library in Rust is not even an ``Exception``.

    Args:
        told: Makes the error, from the cause in words.
    """
    try:
        yield
    except AnchorholdError:
        raise
    except BaseException as error:
        if not is_parser_error(error):
            raise
        raise told(cause_of(error)) from error


def is_parser_error(error: BaseException) -> bool:
    """Whether it comes from what was read, and not from who wants the process to end."""
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


def attempt(call: Callable[[], _T]) -> tuple[_T | None, BaseException | None]:
    """What a library makes of what it is given, or what it raises."""
    try:
        return call(), None
    except BaseException as error:
        if not is_parser_error(error):
            raise
        return None, error


def cause_of(error: BaseException) -> str:
    """What a parser says is wrong, and where, on one line and without Rust's braces."""
    text = _SEE.sub("", " ".join(str(error).split()))
    found = _PARSE_ERROR.search(text)
    if found is not None:
        place = re.sub(r'[\\"]', "", found["place"] or "").replace(", ", " / ")
        text = _in_words(found["kind"]) + (f" in {place}" if place else "")
    text = "".join(letter for letter in text if letter.isprintable()).rstrip(".")
    return text[:_MAX_LENGTH] or type(error).__name__


def printable(text: str) -> str:
    """A line for a terminal, without what would command it or begin another one: names come from strangers."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def abbreviated(line: str) -> str:
    """The same, without its middle if it is longer than anybody reads: a stranger may ask for 30,000 names."""
    left_out = len(line) - _MAX_LINE_LENGTH
    if left_out <= 0:
        return line
    return f"{line[: _MAX_LINE_LENGTH - _LAST_LETTERS]} … ({left_out} letters left out) … {line[-_LAST_LETTERS:]}"


def _in_words(kind: str) -> str:
    """``EncodedDefault`` as ``encoded default``; what is in the braces behind it is left out."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind.partition(" {")[0].partition("(")[0]).lower()
