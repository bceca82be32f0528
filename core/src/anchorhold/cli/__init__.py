"""The ``anchorhold`` command."""

from __future__ import annotations

import atexit
import gc
import io
import os
import sys
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorhold.errors import AnchorholdError


def main() -> None:
    """Run the command line; errors are printed here and nowhere else, and decide the exit code."""
    # Pydantic looks through every installed distribution for plugins, 18 ms of a start; nothing here wants them.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # they are for programmers, and nobody who runs a CA can do anything about them
        warnings.showwarning = lambda *_, **__: None  # nor where a library lets them through again
    with _gc_paused():
        _run()


@contextmanager
def _gc_paused() -> Iterator[None]:
    """Keep the garbage collector away from imports, until the command is built (`RootGroup.get_command`) and at exit.

    It finds nothing there; looking took a quarter of a short run (320 against 240 ms for sign-cert).
    """
    gc.disable()
    atexit.register(gc.freeze)
    try:
        yield
    finally:
        gc.unfreeze()
        gc.enable()


def _run() -> None:
    from anchorhold.cli.root import app
    from anchorhold.errors import AnchorholdError

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except AnchorholdError as error:
        _fail(error)
    except Exception as error:
        hint = "this is a bug, please report it with the output of --debug"
        _fail(AnchorholdError(f"unexpected {type(error).__name__}", hint=hint))


def _fail(error: AnchorholdError) -> None:
    """Print the error that is being handled, and end with its exit code."""
    if "_ANCHORHOLD_COMPLETE" in os.environ:  # a message would end up in the line that is being typed
        sys.exit(error.exit_code)
    from anchorhold.cli.reporting import report

    if "--debug" in sys.argv:
        import traceback

        from anchorhold.cli.redaction import redacted

        print(redacted(traceback.format_exc(), sys.argv), file=sys.stderr, end="")
    report(error, sys.argv[1:])
    sys.exit(error.exit_code)
