"""``python -m anchorhold_audit_log``: verify a log, or give the file another name and begin a new one."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from anchorhold_audit_log.log_file import LogFile
from anchorhold_audit_log.verification import WAIT, ChainBrokenError, verify

if TYPE_CHECKING:
    from collections.abc import Sequence

BROKEN = 1
UNREADABLE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit code: 0, 1 if a chain is broken, 2 if a file cannot be used."""
    given = _parser().parse_args(arguments)
    try:
        code: int = given.run(given)
    except ChainBrokenError as error:
        print(error, file=sys.stderr)
        return BROKEN
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return UNREADABLE
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="anchorhold_audit_log", description="Look after a log of signatures.")
    commands = parser.add_subparsers(required=True)
    verifying = commands.add_parser("verify", help="verify that each line vouches for the one before it")
    verifying.add_argument("files", type=Path, nargs="+", metavar="FILE", help="files that follow each other")
    verifying.add_argument(
        "--holds", action="append", default=[], metavar="DIGEST", help="a head that was noted earlier and must be there"
    )
    verifying.set_defaults(run=_verify)
    rotating = commands.add_parser("rotate", help="give the file another name, and go on in a new one")
    rotating.add_argument("file", type=Path, metavar="FILE", help="the log")
    rotating.add_argument("archive", type=Path, metavar="ARCHIVE", help="its new name")
    rotating.set_defaults(run=_rotate)
    return parser


def _verify(given: argparse.Namespace) -> int:
    verified = verify(given.files)
    for digest in given.holds:
        if digest.lower() not in verified.digests:
            raise ChainBrokenError(f"{given.files[-1]}: has no line with the digest {digest}: entries are missing")
    for where in verified.torn:
        print(f"{where} was not finished: a process was ended, or the disk was full")
    for entry in verified.open.values():
        what = f"{entry.get('purpose')} of {entry.get('authority')}"
        print(f"entry {entry['number']}: {what}: how it ended is not known, so there may be a signature")
    print(f"{verified.head.number} entries, unbroken; head {verified.head.digest}")
    return 0


def _rotate(given: argparse.Namespace) -> int:
    try:
        LogFile(given.file, WAIT).rotate(given.archive)
    except ValueError as error:
        print(f"{given.file}: {error}", file=sys.stderr)
        return UNREADABLE
    return 0


if __name__ == "__main__":
    sys.exit(main())
