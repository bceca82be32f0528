"""Ctrl-C as a statement returns: it arrives as itself, loses nothing, and leaves nobody waiting for a lock."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any, Final

import pytest

from anchorhold import Order
from anchorhold.installation import open_installation

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from anchorhold.installation import Installation
    from anchorhold.operations.issuer import Issuer
    from conftest import MakeCsr

MORE_THAN_ANY: Final = 10_000


class Statements:
    """Raises ``KeyboardInterrupt`` as a statement of this thread returns, where a signal that came meanwhile would.

    Attributes:
        left: How many return before that.
    """

    def __init__(self, left: int) -> None:
        self.left = left

    def run(self, work: Callable[[], object]) -> None:
        """Do something, perhaps not to its end."""
        sys.setprofile(self._seen)
        try:
            work()
        finally:
            sys.setprofile(None)

    def _seen(self, frame: FrameType, event: str, argument: Any) -> None:
        by_sqlite = event == "c_return" and argument.__name__ == "execute"
        by_psycopg = event == "return" and frame.f_code.co_name == "execute" and "psycopg" in frame.f_code.co_filename
        if by_sqlite or by_psycopg:
            self.left -= 1
            if not self.left:
                sys.setprofile(None)
                raise KeyboardInterrupt


def _signs_elsewhere(installation: Installation, issuer: Issuer, order: Order) -> str:
    """The serial number of a certificate that another thread issues."""
    found: list[str] = []

    def sign() -> None:
        found.append(issuer.sign(order).serial)
        installation.close()

    thread = threading.Thread(target=sign, daemon=True)
    thread.start()
    thread.join(10)
    assert found, "the other thread waits"
    return found[0]


@pytest.mark.usefixtures("database")
def test_an_interrupt_at_any_statement_of_issuance_arrives_and_keeps_nobody_waiting(make_csr: MakeCsr) -> None:
    order, handed_out = Order(csr=make_csr(), names=["www.example.com"]), list[str]()
    with open_installation() as installation:
        installation.authorities.create("Root", "CN=Root")
        with installation.certificates.issuer("Root") as issuer:
            issuer.sign(order)
            counting = Statements(MORE_THAN_ANY)
            counting.run(lambda: issuer.sign(order))
            statements = MORE_THAN_ANY - counting.left
            assert statements > 5
            for number in range(1, statements + 1):
                try:
                    Statements(number).run(lambda: handed_out.append(issuer.sign(order).serial))
                except KeyboardInterrupt as error:
                    handed_out.extend(issued.serial for issued in getattr(error, "issued", ()))
                else:
                    pytest.fail(f"the interrupt at statement {number} was lost")
                handed_out.append(_signs_elsewhere(installation, issuer, order))
            handed_out.append(issuer.sign(order).serial)
        issued = {one.serial for one in installation.certificates.list("Root", limit=1000)}
    assert len(set(handed_out)) == len(handed_out)
    assert set(handed_out) <= issued
