"""Errors for people at a shell: what mends an error is shown as a command, or as options of the command they ran."""

from __future__ import annotations

import shlex
from functools import partial
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from anchorhold.errors import AnchorholdError
    from anchorhold.remedy import JsonValue, Remedy

CHOSEN: Final = "…"
"""Stands for a value that the reader chooses."""


def sentence(error: AnchorholdError) -> str:
    """What is wrong and what to do, without a full stop."""
    command = None if error.remedy is None else command_of(error.remedy)
    return str(error) if command is None else f"{error} with `{command}`"


def command_of(remedy: Remedy) -> str | None:
    """The command that mends an error; None for an operation that no command does, such as one of a plugin."""
    render = _COMMANDS.get(remedy.operation)
    try:
        return None if render is None else render(remedy.arguments)
    except KeyError:
        return None


def _command(start: str, arguments: Mapping[str, JsonValue], **flags: str) -> str:
    """The start with the arguments that it names, then an option for each of the others.

    Args:
        start: With ``{name}`` where an argument stands.
        arguments: By name.
        flags: Options that are not called as their arguments are, by name; of a boolean by name and value.
    """
    named = {name: _quoted(value) for name, value in arguments.items()}
    words = [start.format_map(named)] if start else []
    for name, value in arguments.items():
        if f"{{{name}}}" not in start:
            words += _option(name, value, flags)
    return " ".join(words)


def _option(name: str, value: JsonValue, flags: Mapping[str, str]) -> list[str]:
    if isinstance(value, bool):
        flag = flags.get(f"{name}_{value}".lower(), _flag(name) if value else "")
        return [flag] if flag else []
    flag = flags.get(name, _flag(name))
    return [f"{flag} {_quoted(each)}" for each in (value if isinstance(value, list) else (value,))]


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _quoted(value: JsonValue) -> str:
    return CHOSEN if value is None else shlex.quote(str(value))


def _secret_option(arguments: Mapping[str, JsonValue]) -> str:
    from anchorhold.plugin.backend_options import flag_of

    return flag_of(str(arguments["key_backend"]), str(arguments["secret"]), parent=bool(arguments.get("parent")))


def _empty_secret(arguments: Mapping[str, JsonValue]) -> str:
    return f'{_secret_option(arguments)}=""'


_COMMANDS: Final[Mapping[str, Callable[[Mapping[str, JsonValue]], str]]] = {
    "authorities.complete": partial(_command, "anchorhold import-ca {authority} --signed FILE"),
    "authorities.create": partial(_command, "anchorhold init-ca"),
    "authorities.edit": partial(
        _command, "anchorhold edit-ca {authority}", enabled_true="--enable", enabled_false="--disable"
    ),
    "authorities.get": partial(_command, "anchorhold view-ca {authority}"),
    "authorities.import_": partial(_command, "anchorhold import-ca"),
    "authorities.list": partial(_command, "anchorhold list-cas"),
    "certificates.sign": partial(_command, "", names="--alt"),
    "certificates.list": partial(_command, "anchorhold list-certs"),
    "crls.generate": partial(_command, "anchorhold generate-crls {authority}"),
    "diagnostics.show_cause": partial(_command, "anchorhold --debug …"),
    "history.entries": partial(_command, "anchorhold history", authority="--ca"),
    "ocsp_responses.generate": partial(_command, "anchorhold generate-ocsp-responses {authority}"),
    "options.adopt": partial(_command, "--adopt"),
    "options.even_so": partial(_command, "--even-so"),
    "packages.install": partial(_command, "pip install {requirement}"),
    "recovery.abandon": partial(_command, "anchorhold recover --abandon {authority}"),
    "recovery.destroy_copy": partial(_command, "anchorhold recover --destroy-copies {authority}"),
    "recovery.finish": partial(_command, "anchorhold recover --finish {authority}"),
    "recovery.pending": partial(_command, "anchorhold recover"),
    "responders.destroy_expired": partial(
        _command, "anchorhold regenerate-ocsp-keys {authority}", forget_true="--forget-old-keys"
    ),
    "responders.renew": partial(_command, "anchorhold regenerate-ocsp-keys {authority}"),
    "secrets.clear": _empty_secret,
    "secrets.give": _secret_option,
    "secrets.retry_refused": partial(_command, "anchorhold --retry-refused-pins …"),
    "settings.write": partial(_command, "anchorhold config init"),
}
"""What each operation is at a shell; those of one command are options of it."""
