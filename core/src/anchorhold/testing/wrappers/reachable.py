"""What an object holds, directly and through others: whether a secret is among it."""

from __future__ import annotations

import gc
import types
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from anchorhold.plugin import Secret
from anchorhold.testing.output_capture import secrets_shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MOST: Final = 100_000
"""Objects that are looked at."""
_ELSEWHERE: Final = (types.ModuleType, types.FrameType, types.BuiltinFunctionType, type)


def secrets_held(thing: Any, secrets: Mapping[str, str]) -> list[str]:
    """The names of the secrets that an object or the class attributes of its type hold.

    Args:
        thing: An instance.
        secrets: Values by name.
    """
    found: dict[str, None] = {}
    for each in _held(thing):
        content = each.reveal_bytes() if isinstance(each, Secret) else each
        if isinstance(content, str | bytes | bytearray):
            text = content if isinstance(content, str) else bytes(content)
            found |= dict.fromkeys(secrets_shown(text, secrets))
    return list(found)


def _held(thing: Any) -> Iterator[Any]:
    """All that can be reached from it, without what belongs to modules and other classes."""
    own = [value for kind in type(thing).__mro__[:-1] for value in vars(kind).values() if not callable(value)]
    waiting, seen = deque([thing, *own]), set[int]()
    while waiting and len(seen) < MOST:
        one = waiting.popleft()
        if id(one) in seen or isinstance(one, _ELSEWHERE):
            continue
        seen.add(id(one))
        yield one
        waiting += _globals_left_out(one)


def _globals_left_out(one: Any) -> list[Any]:
    """What an object refers to; of a function its cells and defaults."""
    if isinstance(one, types.FunctionType):
        return [*(one.__closure__ or ()), *(one.__defaults__ or ())]
    return gc.get_referents(one)
