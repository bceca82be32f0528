"""Advice on the command line: the programs that were named, and notes about what some programs refuse."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from anchorhold.cli.output import info_notes
from anchorhold.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from anchorhold.advice.verdict import Advice
    from anchorhold.installation import Installation
    from anchorhold.operations.authority import Authority
    from anchorhold.operations.order import Issued


def programs_of(given: str | None) -> tuple[str, ...]:
    """Names of programs as typed, with commas between them; none without the option.

    Raises:
        InputError: The option is there, and names none.
    """
    names = tuple(filter(None, (name.strip() for name in (given or "").split(","))))
    if given is not None and not names:
        raise InputError("--for: names no program", hint="name some, such as nginx,java17, or omit it")
    return names


def note_about_authority(
    installation: Installation, authority: Authority, programs: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Say what some programs refuse of an authority, and return it for JSON; a plain one is not looked at."""
    if not programs and not any(each.is_unusual for each in installation.authorities.chain(authority)):
        return []
    return _noted(installation.advice.of_authority(authority, programs), authority.name)


def note_about_certificate(
    installation: Installation, authority: Authority, issued: Issued, programs: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """The same of a certificate that an authority has signed, whatever it is like."""
    return _noted(installation.advice.of_issued(authority, issued.der, programs), issued.serial)


def info_unmeasured(found: Advice) -> None:
    """Say what nobody knows."""
    if found.unmeasured:
        info_notes([f"not measured: {', '.join(map(str, found.unmeasured))}."])


def _noted(found: Advice, name: str) -> list[dict[str, Any]]:
    info_notes(f"{note}; see `anchorhold advise {shlex.quote(name)}`." for note in found.notes())
    if any(each.programs for each in found.unmeasured):  # of programs that were named
        info_unmeasured(found)
    return [finding.to_json() for finding in found.findings]
