"""Secrets in the options of a storage: where they are kept, and keeping them out of tracebacks."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

from anchorhold.plugin import SecretReference, is_secret_reference, tells_secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def resolve_references(value: Any, environment: Mapping[str, str]) -> Any:
    """Options with every ``{ env = … }`` and ``{ file = … }`` replaced by the secret.

    Raises:
        SettingsError: A variable is not set, or a file cannot be read.
    """
    if is_secret_reference(value):
        return SecretReference.parse(value).require(environment, "storages").reveal()
    if isinstance(value, dict):
        return {key: resolve_references(part, environment) for key, part in value.items()}
    if isinstance(value, list):
        return [resolve_references(part, environment) for part in value]
    return value


def cause_without_secrets(error: Exception, given: Any, resolved: Any) -> Exception | None:
    """The cause to chain to an error of ours: None if a traceback of it would show a secret of the options.

    Libraries quote what they were given; ``--debug`` prints the tracebacks of causes.

    Args:
        error: What a library raised.
        given: The options as they stand in the settings.
        resolved: The same from `resolve_references`.
    """
    text = "".join(traceback.format_exception(error))
    return None if any(secret in text for secret in _secrets(given, resolved, telling=False)) else error


def _secrets(given: Any, resolved: Any, *, telling: bool) -> Iterator[str]:
    if isinstance(resolved, str):
        if resolved and (telling or is_secret_reference(given)):
            yield resolved
    elif isinstance(resolved, dict):
        for name, part in resolved.items():
            yield from _secrets(given[name], part, telling=telling or tells_secret(str(name)))
    elif isinstance(resolved, list):
        for before, after in zip(given, resolved, strict=True):
            yield from _secrets(before, after, telling=telling)
