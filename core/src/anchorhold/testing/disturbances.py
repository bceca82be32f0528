"""Other surroundings for a backend within one process: another time of day, other variables that it reads itself."""

from __future__ import annotations

import datetime as dt
import os
import sys
import time
from contextlib import ExitStack, contextmanager
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

SHIFT: Final = dt.timedelta(days=400, hours=7, minutes=13, seconds=17)
"""Changes year, month, day, weekday, hour, minute and second."""


class _LaterDate(dt.date):
    @classmethod
    def today(cls) -> Self:
        return cls.fromordinal(dt.date.today().toordinal() + SHIFT.days)  # noqa: DTZ011  # as the backend asks


class _LaterDatetime(dt.datetime):
    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> Self:
        return cls.fromtimestamp(_later_time(), tz)

    @classmethod
    def utcnow(cls) -> Self:
        return cls.fromtimestamp(_later_time(), dt.UTC).replace(tzinfo=None)

    @classmethod
    def today(cls) -> Self:
        return cls.fromtimestamp(_later_time())  # as the backend asks


def _later_time() -> float:
    return time.time() + SHIFT.total_seconds()


def _of_then(function: Callable[..., Any]) -> Callable[..., Any]:
    """`time.localtime` and its like, which tell the present time unless they are told another."""
    return lambda seconds=None: function(_later_time() if seconds is None else seconds)


def _strftime(form: str, moment: Any = None) -> str:
    return time.strftime(form, time.localtime(_later_time()) if moment is None else moment)


_TIME: Final[dict[str, Callable[..., Any]]] = {
    "time": _later_time,
    "time_ns": lambda: time.time_ns() + int(SHIFT.total_seconds()) * 10**9,
    "localtime": _of_then(time.localtime),
    "gmtime": _of_then(time.gmtime),
    "ctime": _of_then(time.ctime),
    "strftime": _strftime,
}


def _replacements() -> dict[int, Any]:
    """What stands for what, by identity: the modules, and what is imported from them."""
    later_time = SimpleNamespace(**{**vars(time), **_TIME})
    later_datetime = SimpleNamespace(**{**vars(dt), "datetime": _LaterDatetime, "date": _LaterDate})
    functions = {id(getattr(time, name)): later for name, later in _TIME.items()}
    types = {id(dt.datetime): _LaterDatetime, id(dt.date): _LaterDate}
    return {id(time): later_time, id(dt): later_datetime, **functions, **types}


def _modules(packages: frozenset[str]) -> list[ModuleType]:
    return [module for name, module in list(sys.modules.items()) if name.partition(".")[0] in packages]


@contextmanager
def later(packages: frozenset[str]) -> Iterator[None]:
    """Modules of these packages see a clock that is ahead by `SHIFT`; libraries that they call see the right one."""
    others = _replacements()
    with ExitStack() as patched:
        for module in _modules(packages):
            for name, value in list(vars(module).items()):
                if id(value) in others:
                    patched.enter_context(_replaced(module, name, others[id(value)]))
        yield


@contextmanager
def variables_read(packages: frozenset[str]) -> Iterator[set[str]]:
    """Collects the variables that modules of these packages read, themselves or by the standard library."""
    read: set[str] = set()
    kind = type(os.environ)
    usual = kind.__getitem__

    def get(self: Any, name: Any) -> Any:
        if _reader(sys._getframe(1)) in packages:  # noqa: SLF001  # there is no other way to the caller
            read.add(str(name))
        return usual(self, name)

    with _replaced(kind, "__getitem__", get):
        yield read


def _reader(frame: FrameType | None) -> str | None:
    """The package that asks, which may have called the standard library for it."""
    while frame is not None:
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if package not in sys.stdlib_module_names:
            return package
        frame = frame.f_back
    return None


@contextmanager
def _replaced(owner: Any, name: str, other: Any) -> Iterator[None]:
    """As `unittest.mock.patch.object`, whose import would cost each child more than its work."""
    usual = getattr(owner, name)
    setattr(owner, name, other)
    try:
        yield
    finally:
        setattr(owner, name, usual)
