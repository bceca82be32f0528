"""A key that is not where the ledger has it is not called destroyed, and is not forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from anchorhold import errors
from interleaving.rules import check_installation
from interleaving.stops import COMMITTING

if TYPE_CHECKING:
    from interleaving.world import World


def killed_at(world: World, step: str, *arguments: str, number: int = 0) -> None:
    """A command that is killed at a step of that name, the first unless another number is given."""
    rehearsed = [at for at, name in enumerate(world.rehearsed(*arguments)) if name == step]
    assert world.run(*arguments, at=rehearsed[number], fate="killed").code == -9


def test_a_key_that_is_away_is_not_said_to_be_destroyed_with_its_authority(world: World) -> None:
    killed_at(world, "a commit was done", "init-ca", "New", "CN=New", number=1)
    before = world.key_files()
    (world.folder / "one").rename(world.folder / "away")
    for _ in range(2):
        ended = world.run("recover", "--abandon=New")
        assert ended.code == errors.KeyMissingError.exit_code
        assert "was not destroyed" in ended.talk
        assert "recover --abandon New --forget-key" in ended.talk
    (world.folder / "away").rename(world.folder / "one")
    assert "its key is destroyed" in world.run("recover", "--abandon=New").talk
    assert len(before - world.key_files()) == 1


@pytest.mark.parametrize("number", [1, 2])
def test_an_old_key_that_is_away_when_a_move_is_finished_stays_in_the_book(world: World, number: int) -> None:
    killed_at(world, "a commit was done", "move-key", "Root", "--to=other", "--delete-source", number=number)
    (world.folder / "one").rename(world.folder / "away")
    ended = world.run("recover", "--finish=Root")
    assert (ended.code, "was not destroyed here" in ended.talk) == (0, True), ended
    (world.folder / "away").rename(world.folder / "one")
    assert "A copy of the key of authority Root is in 'default'" in world.run("recover").talk
    with world.opened() as installation:
        check_installation(world, installation)
    world.good("recover", "--destroy-copies=Root")


@pytest.mark.parametrize("end", ["--finish", "--abandon"])
@pytest.mark.parametrize(("name", "alias"), [("Torn", "default"), ("Moving", "other")])
def test_a_key_is_not_looked_for_in_a_backend_of_another_type(world: World, end: str, name: str, alias: str) -> None:
    before, settings = world.key_files(), world.folder / "config.toml"
    section = f'[key_backends.{alias}]\nbackend = "storages"\n'
    text = settings.read_text().replace('options = { storage_alias = "other" }\n', "")
    assert section in text
    settings.write_text(text.replace(section, section.replace('"storages"', '"db"')))
    ended = world.run("recover", f"{end}={name}")
    assert ended.code == errors.KeyMismatchError.exit_code, ended
    assert "'storages'" in ended.talk
    assert world.key_files() == before


@pytest.mark.parametrize("end", ["--finish", "--abandon"])
@pytest.mark.parametrize(
    ("step", "command"),
    [
        ("create_key was done", ("init-ca", "New", "CN=New")),
        ("import_key was done", ("move-key", "Root", "--to=other", "--delete-source")),
        (COMMITTING, ("move-key", "Sub", "--to=other")),
    ],
)
def test_what_a_process_of_the_release_before_may_be_at_work_on_is_left_to_it(
    world: World, end: str, step: str, command: tuple[str, ...]
) -> None:
    number = 1 if step == COMMITTING else 0
    killed_at(world, step, *command, number=number)
    world._tell("DELETE FROM anchorhold_claim")  # which that release did not make
    before, name = world.key_files(), command[1]
    assert f"Authority {name} is being" in world.run("recover").talk
    ended = world.run("recover", f"{end}={name}")
    assert (ended.code, "older version" in ended.talk) == (errors.BusyError.exit_code, True), ended
    assert world.key_files() == before
    world.let_time_pass()
    world._tell("UPDATE anchorhold_event SET at = at - 3600")
    world.good("recover", f"{end}={name}")
