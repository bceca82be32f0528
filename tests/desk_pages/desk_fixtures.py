"""Fixtures of the desk; for ``pytest_plugins`` of test modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from anchorhold_desk.roles import Role
from desk_pages.desk_process import RunningDesk, add_people, new_url, prepare, running

if TYPE_CHECKING:
    from collections.abc import Iterator

PEOPLE = {
    "dana": (Role.REQUESTER,),
    "alex": (Role.APPROVER, Role.VIEWER),
    "olga": (Role.OPERATOR,),
    "vera": (Role.VIEWER,),
    "boss": (Role.ADMINISTRATOR,),
    "all": tuple(Role),
}
"""Accounts and their roles, on every authority."""


@pytest.fixture(scope="session")
def standing_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDesk]:
    """A desk that many tests share, with an account for each role."""
    folder, url = tmp_path_factory.mktemp("desk"), new_url()
    environment = prepare(folder, url)
    with running(folder, environment, url) as desk:
        with desk.opened() as opened:
            add_people(opened, PEOPLE)
        yield desk
