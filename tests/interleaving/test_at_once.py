"""What several processes do to one authority at once: one of them does it, the others say who, and nothing is lost."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from anchorhold import Order, errors
from anchorhold.ledger import IssuancePolicy
from anchorhold.ledger.certificates import CertificateFilter
from forked import forked
from interleaving.rules import check_installation
from interleaving.stops import COMMITTING
from interleaving.world import copied

if TYPE_CHECKING:
    from interleaving.world import Ended, World

BUSY = errors.BusyError.exit_code
EXISTS = errors.AuthorityExistsError.exit_code


def stopped_at(world: World, step: str, *arguments: str, number: int = 0) -> Ended:
    """A command that stands still at a step of that name, the first unless another number is given."""
    rehearsed = [at for at, name in enumerate(world.rehearsed(*arguments)) if name == step]
    return world.run(*arguments, at=rehearsed[number])


def at_once(world: World, *commands: tuple[str, ...]) -> list[tuple[int, str]]:
    """Run commands all at once; the exit code and the talk of each."""
    running = [
        subprocess.Popen(
            [*forked(), *command],
            env=world.environment,
            cwd=world.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for command in commands
    ]
    talks = [process.communicate(timeout=60)[1] for process in running]
    return [(process.returncode, talk) for process, talk in zip(running, talks, strict=True)]


def issued(world: World, subject: str) -> list[str]:
    """Serial numbers of the certificates of that subject."""
    with world.opened() as installation:
        return [
            one.serial
            for one in installation.certificates.list(wanted=CertificateFilter(expired=True), limit=1000)
            if one.subject == subject
        ]


def test_one_of_four_that_finish_an_authority_at_once_does_it(world: World) -> None:
    ended = at_once(world, *[("recover", "--finish=Torn")] * 4)
    codes = sorted(code for code, _ in ended)
    assert codes[0] == 0
    assert set(codes[1:]) <= {BUSY, errors.UnknownAuthorityError.exit_code}, ended
    assert len(issued(world, "CN=Torn")) == 1


def test_changes_of_different_settings_at_once_are_all_kept(world: World) -> None:
    wanted = {
        "--crl-url=http://crl": ("crl_urls", ("http://crl",)),
        "--ocsp-url=http://ocsp": ("ocsp_urls", ("http://ocsp",)),
        "--issuer-url=http://issuer": ("issuer_urls", ("http://issuer",)),
        "--max-days=9": ("max_days", 9),
        "--policy=1.2.3": ("policies", ("1.2.3",)),
        "--ocsp-unknown=revoked": ("ocsp_unknown", "revoked"),
    }
    ended = at_once(world, *[("edit-ca", "Copied", option) for option in wanted])
    assert [code for code, _ in ended] == [0] * len(wanted), ended
    with world.opened() as installation:
        kept = installation.authorities.get("Copied").record.issuing
        assert {name: getattr(kept, name) for name, _ in wanted.values()} == dict(wanted.values())


def test_who_replaces_all_settings_is_told_that_they_have_changed(world: World) -> None:
    with world.opened() as installation:
        read = installation.authorities.get("Root")
    world.good("edit-ca", "Root", "--max-days=9")
    with world.opened() as installation:
        with pytest.raises(errors.BusyError, match="another process has changed it in the meantime"):
            installation.authorities.edit(read, issuing=IssuancePolicy())
        assert installation.authorities.get("Root").record.issuing.max_days == 9


def test_a_name_that_is_being_used_is_said_to_be_and_by_whom(world: World) -> None:
    first = stopped_at(world, "a commit was done", "init-ca", "New", "CN=New")
    second = world.run("init-ca", "New", "CN=New")
    assert second.code == errors.AuthorityExistsError.exit_code
    assert f"is being created by process {first.process} on " in second.talk
    assert "recover" not in second.talk
    assert world.resume(first).code == 0


@pytest.mark.parametrize(
    "signing",
    [
        ("sign-cert", "--ca=Sub", "--csr=leaf.csr", "--alt=new.example.com"),
        ("init-ca", "New", "CN=New", "--parent=Sub"),
    ],
    ids=["sign-cert", "init-ca"],
)
def test_nothing_is_reserved_after_who_disables_an_authority_was_told_so(
    world: World, signing: tuple[str, ...]
) -> None:
    """The process that signs has looked whether it may, and is about to commit what it reserves."""
    rehearsed = world.rehearsed(*signing)
    signed = max(at for at, step in enumerate(rehearsed) if step == "sign was done")
    reserving = max(at for at in range(signed) if rehearsed[at] == COMMITTING)
    stopped = world.run(*signing, at=reserving)
    assert stopped.code is None
    disabled = world.run("edit-ca", "Sub", "--disable")
    assert world.resume(stopped).code == 0
    assert disabled.code == errors.LedgerError.exit_code, disabled
    assert "lock" in disabled.talk


@pytest.mark.parametrize(
    ("step", "code"),
    [("a commit was done", BUSY), ("import_key was done", errors.KeyMissingError.exit_code)],
    ids=["before", "after"],
)
def test_a_move_that_was_taken_back_while_it_stood_still_leaves_no_copy(world: World, step: str, code: int) -> None:
    moving = stopped_at(world, step, "move-key", "Root", "--to=other")
    world.let_time_pass()
    world.good("recover", "--abandon=Root")
    ended = world.resume(moving)
    assert ended.code == code, ended
    assert "clean up" not in ended.talk
    with world.opened() as installation:
        check_installation(world, installation)


@pytest.mark.parametrize("how", ["--finish", "--abandon"])
def test_what_is_under_way_is_shown_as_such_and_neither_finished_nor_abandoned(world: World, how: str) -> None:
    first = stopped_at(world, "create_key was done", "init-ca", "New", "CN=New")
    shown = world.run("recover")
    assert f"Authority New is being created by process {first.process} on " in shown.talk
    refused = world.run("recover", f"{how}=New")
    assert refused.code == BUSY
    assert f"authority 'New': is being created by process {first.process} on " in refused.talk
    assert world.resume(first).code == 0
    with world.opened() as installation:
        check_installation(world, installation)


def test_a_process_that_was_killed_holds_nothing(world: World) -> None:
    first = stopped_at(world, "create_key was done", "init-ca", "New", "CN=New")
    os.kill(first.process, signal.SIGKILL)
    assert world.resume(first).code == -signal.SIGKILL
    world.good("recover", "--finish=New")


@pytest.mark.parametrize(
    ("how", "step"),
    [("--abandon", "a commit was done"), ("--abandon", "create_key was done"), ("--finish", "create_key was done")],
)
def test_who_stood_still_for_too_long_undoes_nothing_that_is_not_its_own(world: World, how: str, step: str) -> None:
    first = stopped_at(world, step, "init-ca", "New", "CN=New")
    world.let_time_pass()
    world.good("recover", f"{how}=New")
    late = world.resume(first)
    assert late.code == BUSY
    assert late.talk.startswith("anchorhold: authority 'New': was being created here for too long"), late
    with world.opened() as installation:
        names = [authority.name for authority in installation.authorities.list()]
        assert ("New" in names) == (how == "--finish")
        check_installation(world, installation)


def test_what_nobody_could_finish_yet_can_be_finished_when_its_key_is_there(world: World) -> None:
    first = stopped_at(world, "a commit was done", "init-ca", "New", "CN=New")
    world.let_time_pass()
    assert world.run("recover", "--finish=New").code == errors.KeyMissingError.exit_code
    assert world.resume(first).code == BUSY
    world.good("recover", "--finish=New")


def test_an_abandonment_that_was_killed_can_only_be_repeated(world: World) -> None:
    (step,) = [
        at for at, name in enumerate(world.rehearsed("recover", "--abandon=Torn")) if name == "delete_key was done"
    ]
    assert world.run("recover", "--abandon=Torn", at=step, fate="killed").code == -signal.SIGKILL
    shown = world.run("recover")
    assert "Abandoning authority Torn was interrupted: --abandon Torn." in shown.talk
    refused = world.run("recover", "--finish=Torn")
    assert refused.code == errors.KeyMissingError.exit_code
    assert "abandon it again with `anchorhold recover --abandon Torn`" in refused.talk
    world.good("recover", "--abandon=Torn")


def test_of_two_moves_at_once_one_is_refused_before_it_brings_a_copy(world: World) -> None:
    first = stopped_at(world, "import_key was done", "move-key", "Root", "--to=other")
    before = world.key_files()
    second = world.run("move-key", "Root", "--to=other", "--delete-source")
    assert second.code in (BUSY, errors.AuthorityNotReadyError.exit_code)
    assert world.key_files() == before
    assert world.resume(first).code == 0


@pytest.mark.parametrize(("first", "second"), [("--finish", "--abandon"), ("--abandon", "--finish")])
def test_a_move_is_finished_or_undone_and_nobody_says_that_it_was_both(world: World, first: str, second: str) -> None:
    late = stopped_at(world, "a commit was done", "recover", f"{first}=Moving")
    world.let_time_pass()
    world.good("recover", f"{second}=Moving")
    ended = world.resume(late)
    assert ended.code == BUSY, ended
    assert "has been finished or undone by another process in the meantime" in ended.talk
    with world.opened() as installation:
        check_installation(world, installation)


def test_copies_that_moves_leave_are_shown_and_destroyed_on_request(world: World) -> None:
    shown = world.run("recover").talk
    assert "A copy of the key of authority Copied is in 'default'" in shown
    assert "--destroy-copies Copied" in shown
    before = world.key_files()
    world.good("recover", "--destroy-copies=Copied")
    assert len(before - world.key_files()) == 1
    assert "A copy" not in world.run("recover").talk
    with world.opened() as installation:
        check_installation(world, installation)


def test_a_certificate_is_imported_once_however_many_import_it(world: World) -> None:
    ended = at_once(world, *[("import-ca", f"Foreign {number}", "foreign.key", "foreign.pem") for number in range(3)])
    codes = sorted(code for code, _ in ended)
    assert codes == [0, *[errors.AuthorityExistsError.exit_code] * 2], ended


def test_of_two_imports_of_one_certificate_one_succeeds_wherever_the_first_stands_still(world: World) -> None:
    words = ("foreign.key", "foreign.pem")
    for at, step in enumerate(world.rehearsed("import-ca", "First", *words)):
        with copied(world, world.folder.with_name("cell")) as cell:
            first = cell.run("import-ca", "First", *words, at=at)
            second = cell.run("import-ca", "Second", *words)
            codes = {cell.resume(first).code, second.code}
            waited = {0, errors.LedgerError.exit_code}  # in vain, for the lock of who is about to commit
            assert codes == {0, EXISTS} or (step == COMMITTING and codes == waited), (at, step, codes)
            with cell.opened() as installation:
                check_installation(cell, installation)


def test_a_leaf_is_recorded_once_however_many_import_it(world: World) -> None:
    ended = at_once(world, *[("import-cert", "unrecorded.pem", "--ca=Root")] * 4)
    codes = sorted(code for code, _ in ended)
    assert codes == [0, *[errors.AuthorityExistsError.exit_code] * 3], ended


def test_an_open_issuer_takes_what_has_changed_from_its_next_certificate_on(world: World) -> None:
    csr = (world.folder / "leaf.csr").read_bytes()
    order = Order(csr=csr, names=["open.example.com"])
    with world.opened() as installation, installation.certificates.issuer("Sub") as issuer:
        issuer.sign(order)
        world.good("edit-ca", "Sub", "--disable")
        with pytest.raises(errors.AuthorityNotReadyError, match="is disabled"):
            issuer.sign(order)
        with pytest.raises(errors.AuthorityNotReadyError, match="is disabled"):
            issuer.sign_many([order])
        world.good("edit-ca", "Sub", "--enable", "--ocsp-url=http://new.example.com")
        later = issuer.sign(order).certificate
        access = later.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
        assert "http://new.example.com" in [place.access_location.value for place in access]
        world.good("move-key", "Sub", "--to=other", "--delete-source")
        issuer.sign(order)


@pytest.mark.parametrize("step", [COMMITTING, "a commit was done", "create_key was done", "sign was done"])
def test_a_responder_whose_key_was_given_up_is_not_activated(world: World, step: str) -> None:
    first = stopped_at(world, step, "regenerate-ocsp-keys", "Root", "--force")
    if step != COMMITTING:
        world.let_time_pass()
    world.run("maintain", "Root")
    late = world.resume(first)
    assert late.code in (0, BUSY), late
    with world.opened() as installation:
        check_installation(world, installation)
