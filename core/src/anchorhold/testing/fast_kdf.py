"""Passwords are stretched little while the contract runs, for it makes and opens keys by the hundred."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from anchorhold import pkcs8

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def fast_kdf() -> Iterator[None]:
    """In this process; keys are opened with as many rounds as they were encrypted with, as ever."""
    module = vars(pkcs8)
    usual = module["PBKDF2_ITERATIONS"]
    module["PBKDF2_ITERATIONS"] = pkcs8.RANDOM_SECRET_ITERATIONS
    try:
        yield
    finally:
        module["PBKDF2_ITERATIONS"] = usual
