"""Where a backend looks for a key when the world around the process is another: a step of child processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anchorhold.errors import AnchorholdError, KeyMissingError
from anchorhold.public_keys import spki
from anchorhold.testing import disturbances
from anchorhold.testing.subprocess_runner import from_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anchorhold.testing.harness import Harness


def look_around(harness: Harness, key: Mapping[str, Any], key_id: str, packages: Sequence[str]) -> dict[str, Any]:
    """Look for a key now and at another time of day.

    Args:
        harness: The alias, of which nothing was used yet.
        key: The key.
        key_id: Its id, in hex.
        packages: Those of the backend.

    Returns:
        ``read``: the variables that the backend itself has read; ``now`` and ``later``: what was found instead of the
        key, None if it was found or if an error leaves that open.
    """
    own = frozenset(packages)
    with disturbances.variables_read(own) as read:
        now = _found_instead(harness.fresh(), key, key_id)
    with disturbances.later(own):
        later = _found_instead(harness.fresh(), key, key_id)
    return {"read": sorted(read), "now": now, "later": later}


def _found_instead(harness: Harness, key: Mapping[str, Any], key_id: str) -> str | None:
    """What is found in the place of a key.

    Only an answer that says the key is elsewhere counts: a service refuses requests from another time or place, too.
    """
    created = from_json(key)
    try:
        if harness.backend.supports("find_key"):
            handles = [found.handle for found in harness.find(bytes.fromhex(key_id))]
            if handles != [created.handle]:
                return "it is found with another handle" if handles else "it is not found by its id"
        return None if harness.truth(created) == spki(created.public_key) else "another key has its handle"
    except KeyMissingError:
        return "it is said to be gone"
    except AnchorholdError:
        return None
