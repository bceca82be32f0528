"""Settings as they are in force, with secrets masked, each with where it came from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from anchorhold.secret import MASK, SecretReference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorhold.settings.load import LoadedSettings

_TELLING = re.compile(r"pass|pin$|secret|token|key|credential|auth|connection", re.IGNORECASE)
"""Names of options that are masked although nothing declares them a secret, such as those of fsspec."""
_HARMLESS = frozenset({"token", "token_serial", "key_label", "encrypt_private_key"})
"""Options of key backends that only sound like secrets; an fsspec ``token`` is one."""


def shown(loaded: LoadedSettings) -> Iterator[tuple[str, Any, str]]:
    """Each setting as (path of the key, value fit to be shown, origin), in the order of the file."""
    dumped = loaded.settings.model_dump(mode="json")
    dumped["database"] = _place(loaded.settings.database)
    for section, value in dumped.items():
        for key, leaf in _leaves((section,), value):
            yield ".".join(key), _masked(key, leaf), loaded.origins[section]


def without_password(url: str) -> str:
    """A database URL with its password masked, quoted or not; what is no URL is masked as a whole."""
    return _without_password(url) if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", url) else MASK


def _without_password(text: str) -> str:
    """The same without passwords in the queries and in the user parts of URLs."""
    text = re.sub(r"([?&]\w*pass\w*=)[^&]*", rf"\1{MASK}", text, flags=re.IGNORECASE)
    return re.sub(r"(://[^:/?#@]*:).*@", rf"\1{MASK}@", text, flags=re.DOTALL)


def _place(reference: SecretReference) -> str:
    """Where the ledger is, or where that is written."""
    return repr(reference) if reference.literal is None else without_password(reference.literal.reveal())


def _leaves(key: tuple[str, ...], value: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict) and value and not _is_reference(value):
        for name, part in value.items():
            yield from _leaves((*key, name), part)
    else:
        yield key, value


def _is_reference(value: dict[str, Any]) -> bool:
    return set(value) in ({"env"}, {"file"})


def _is_secret(key: tuple[str, ...]) -> bool:
    if "options" not in key or not _TELLING.search(key[-1]):
        return False
    return key[0] == "storages" or key[-1] not in _HARMLESS


def _masked(key: tuple[str, ...], value: Any) -> Any:
    if isinstance(value, dict) and _is_reference(value):
        return repr(SecretReference.parse(value))
    if _is_secret(key) and value != "prompt":
        return MASK
    if isinstance(value, str) and "://" in value:
        return _without_password(value)
    return value
