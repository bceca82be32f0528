"""``anchorhold-approve``: look at what waits for approval, and approve it."""

from __future__ import annotations

import argparse
import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from anchorhold import pkcs8
from anchorhold.errors import AnchorholdError, InputError
from anchorhold.plugin import Secret
from anchorhold_quorum.description import describe, summary
from anchorhold_quorum.folder import APPROVAL, Folder, write_approval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchorhold_quorum.cases import Case


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; ends the process with the exit code of the error, if there is one."""
    given = _parser().parse_args(arguments)
    try:
        given.run(given)
    except AnchorholdError as error:
        print(f"anchorhold-approve: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="anchorhold-approve", description="Approve what a CA key is to sign.")
    commands = parser.add_subparsers(required=True)
    listing = commands.add_parser("list", help="list what waits for approval")
    listing.set_defaults(run=_list)
    showing = commands.add_parser("show", help="show all of a request")
    showing.set_defaults(run=_show)
    signing = commands.add_parser("sign", help="approve a request")
    signing.set_defaults(run=_sign)
    for command in (listing, showing, signing):
        command.add_argument("folder", type=Path, help="the folder of approvals")
    for command in (showing, signing):
        command.add_argument("digest", help="the digest, or its beginning")
    signing.add_argument("--name", required=True, help="your name among the approvers")
    signing.add_argument("--key", required=True, type=Path, help="file of your Ed25519 private key, PEM")
    signing.add_argument("--out", type=Path, help="where to write the approval, if not into the folder")
    signing.add_argument("--yes", action="store_true", help="do not ask whether you have looked at it")
    return parser


def _list(given: argparse.Namespace) -> None:
    for case in _waiting(given.folder):
        try:
            _say(summary(case))
        except ValueError:
            _say(f"{case.digest[:16]}  cannot be read")


def _show(given: argparse.Namespace) -> None:
    _describe(_find(given))


def _describe(case: Case) -> None:
    try:
        _say(*describe(case))
    except ValueError as error:
        raise InputError(f"{case.digest}: cannot be read ({error})", hint="do not approve it") from error


def _sign(given: argparse.Namespace) -> None:
    case = _find(given)
    _describe(case)
    if not given.yes and not (sys.stdin.isatty() and input("Approve this? [y/N] ").strip().lower() == "y"):
        raise InputError("nothing was approved: nobody said yes", hint="answer y, or give --yes")
    signature = _load_key(given.key).sign(case.statement)
    place = given.out or Folder(given.folder).pending / case.digest / f"{given.name}{APPROVAL}"
    try:
        write_approval(place, signature)
    except OSError as error:
        raise InputError(f"{place}: {error.strerror}", hint="give --out, and send the file on") from error
    _say(f"Approved:    {place}")


def _waiting(folder: Path) -> list[Case]:
    try:
        return Folder(folder).waiting()
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}", hint="name the folder of approvals") from error


def _find(given: argparse.Namespace) -> Case:
    found = [case for case in _waiting(given.folder) if case.digest.startswith(given.digest.lower())]
    if len(found) != 1:
        raise InputError(
            f"{given.digest}: {len(found)} requests begin like this", hint="see them with anchorhold-approve list"
        )
    return found[0]


def _load_key(path: Path) -> Ed25519PrivateKey:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}", hint="name the file of your private key") from error
    password = None
    if pkcs8.is_encrypted(content) and sys.stdin.isatty():
        password = Secret(getpass.getpass(f"Password of {path}: "))
    key = pkcs8.load_private_key(content, password, str(path))
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError(f"{path}: not an Ed25519 key", hint="make one: openssl genpkey -algorithm ed25519")
    return key


def _say(*lines: str) -> None:
    for line in lines:
        print(line)
