"""Values for shell completion: from the program, the settings and the ledger.

Completion runs at each press of the Tab key. It creates no ledger, uses no key, asks for no secret, and offers nothing
where the settings or the ledger cannot be read.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Final

from anchorhold.cli.global_options import GlobalOptions

_VARIABLE: Final = "_ANCHORHOLD_COMPLETE"
_UNSAFE: Final = re.compile(r"[^\w@%+=:,./-]")
"""What bash takes for more than a letter of a word; other shells escape values themselves."""

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from anchorhold.settings import LoadedSettings


def complete_authority(ctx: Any, incomplete: str) -> list[str]:
    """Names of the authorities in the ledger."""
    return _offered(ctx, incomplete, _authorities)


def complete_profile(ctx: Any, incomplete: str) -> list[str]:
    """Names of profiles, built-in and configured."""
    return _offered(ctx, incomplete, _profiles)


def complete_key_backend(ctx: Any, incomplete: str) -> list[str]:
    """Aliases of key backends."""
    return _offered(ctx, incomplete, lambda loaded: loaded.settings.key_backends)


def complete_ocsp_key_backend(ctx: Any, incomplete: str) -> list[str]:
    """Aliases of OCSP key backends."""
    return _offered(ctx, incomplete, lambda loaded: loaded.settings.ocsp_key_backends)


def complete_reason(incomplete: str) -> list[str]:
    """Revocation reasons (RFC 5280, section 5.3.1)."""
    from anchorhold.x509.crl_entries import REASONS

    return _beginning(incomplete, REASONS)


def complete_key_type(incomplete: str) -> list[str]:
    """Types of new keys."""
    from anchorhold.algorithms import KEY_TYPES

    return _beginning(incomplete, KEY_TYPES)


def complete_curve(incomplete: str) -> list[str]:
    """Elliptic curves of new keys."""
    from anchorhold.algorithms import CURVES

    return _beginning(incomplete, CURVES)


def complete_hash(incomplete: str) -> list[str]:
    """Hashes of signatures."""
    from anchorhold.algorithms import HASHES

    return _beginning(incomplete, HASHES)


def complete_rsa_padding(incomplete: str) -> list[str]:
    """Paddings of RSA signatures."""
    from anchorhold.algorithms import RSA_PADDINGS

    return _beginning(incomplete, RSA_PADDINGS)


def complete_program(incomplete: str) -> list[str]:
    """Programs that were measured, after those that are typed already."""
    from anchorhold.advice.programs import known_names

    typed, comma, last = incomplete.rpartition(",")
    return [f"{typed}{comma}{name}" for name in _beginning(last, known_names())]


def complete_unissued(incomplete: str) -> list[str]:
    """OCSP statuses of serial numbers that were never issued."""
    return _beginning(incomplete, ("unknown", "revoked", "unauthorized"))


def _beginning(incomplete: str, values: Iterable[str]) -> list[str]:
    return [value for value in values if value.startswith(incomplete)]


def _offered(ctx: Any, incomplete: str, values: Callable[[LoadedSettings], Iterable[str]]) -> list[str]:
    """Values that begin with what is typed; none if the settings or the ledger cannot be read."""
    from anchorhold.settings import load_settings

    options = ctx.find_object(GlobalOptions)
    try:
        loaded = load_settings(None if options is None else options.config, os.environ)
        return _beginning(incomplete, values(loaded))
    except Exception:  # a message would end up in the line that is being typed
        return []


def _authorities(loaded: LoadedSettings) -> list[str]:
    from anchorhold.ledger.names import authority_names

    names = authority_names(loaded.database_url(os.environ))
    return [_UNSAFE.sub(r"\\\g<0>", name) for name in names] if os.environ.get(_VARIABLE) == "complete_bash" else names


def _profiles(loaded: LoadedSettings) -> Iterable[str]:
    from anchorhold.profiles import BUILT_IN

    return {**BUILT_IN, **loaded.settings.profiles}
