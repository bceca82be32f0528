"""Who did what: the actor of each event and certificate, in the ledger, for wrappers, and as `history` shows it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from anchorhold.audit import Actor, AuditContext, shell_user
from anchorhold.errors import InputError, UnknownAuthorityError, ValidityError
from anchorhold.ledger.audits import HistoryFilter
from anchorhold.operations.order import Order

if TYPE_CHECKING:
    from anchorhold.installation import Installation
    from conftest import Command, MakeCsr

ANN = Actor("user", "ann", "desk.example")


def _kinds(installation: Installation, **wanted: Any) -> list[str]:
    return [entry.kind for entry in installation.history.entries(wanted=HistoryFilter(**wanted))]


def test_what_an_actor_did_names_the_actor_and_one_correlation_id(
    installation: Installation, make_csr: MakeCsr
) -> None:
    installation.authorities.create("Root", "CN=Root")
    ann = installation.as_actor(ANN, "ticket 7")
    issued = ann.certificates.sign("Root", Order(csr=make_csr(), names=["a.example"]))
    ann.revocations.revoke(issued.serial)
    assert _kinds(installation, actor="ann") == ["certificate-revoked", "certificate-issued"]
    assert {entry.audit for entry in installation.history.entries(wanted=HistoryFilter(actor="ann"))} == {
        AuditContext(ANN, "ticket 7")
    }
    assert _kinds(installation, correlation_id="ticket 7") == ["certificate-revoked", "certificate-issued"]


def test_without_an_actor_it_is_the_user_of_this_process(installation: Installation) -> None:
    installation.authorities.create("Root", "CN=Root")
    entries = list(installation.history.entries())
    assert {entry.audit.actor for entry in entries if entry.audit is not None} == {shell_user()}
    assert len({entry.audit for entry in entries}) == 1


def test_the_history_of_a_certificate_is_its_own(installation: Installation, make_csr: MakeCsr) -> None:
    installation.authorities.create("Root", "CN=Root")
    with installation.certificates.issuer("Root") as issuer:
        first, second = issuer.sign_many([Order(csr=make_csr(), names=[f"{n}.example"]) for n in "ab"])
    installation.revocations.revoke(first.serial, "certificateHold")
    installation.revocations.release(first.serial)
    kinds = ["certificate-released", "certificate-revoked", "certificate-issued"]
    assert sorted(_kinds(installation, serial=first.serial)) == sorted(kinds)
    assert _kinds(installation, serial=second.serial) == ["certificate-issued"]


def test_an_authority_keeps_its_history_under_a_new_name(installation: Installation) -> None:
    installation.authorities.create("Old", "CN=Root")
    installation.authorities.edit("Old", name="New")
    kinds = [entry.kind for entry in installation.history.entries("New")]
    assert kinds[0] == "authority-edited"
    assert "authority-created" in kinds
    with pytest.raises(UnknownAuthorityError):
        list(installation.history.entries("Old"))


def test_more_than_a_page_is_read_whole_and_in_order(installation: Installation, make_csr: MakeCsr) -> None:
    installation.authorities.create("Root", "CN=Root")
    csr = make_csr()
    with installation.certificates.issuer("Root") as issuer:
        issuer.sign_many(Order(csr=csr, names=[f"{n}.example"]) for n in range(1_100))
    entries = list(installation.history.entries(wanted=HistoryFilter()))
    assert len([entry for entry in entries if entry.kind == "certificate-issued"]) == 1_101
    assert [entry.at for entry in entries] == sorted((entry.at for entry in entries), reverse=True)


@pytest.mark.parametrize("actor", [("", "ann", ""), ("user", "", ""), ("user", "a\nb", ""), ("user", "a" * 201, "")])
def test_an_actor_is_one_printable_line(actor: tuple[str, str, str]) -> None:
    with pytest.raises(InputError, match="actor"):
        Actor(*actor)


def test_the_command_shows_it_as_text_json_and_lines(anchorhold: Command) -> None:
    anchorhold("init-ca", "Root", "CN=Root")
    text = anchorhold("history").text
    assert text.splitlines()[0].split() == ["TIME", "(UTC)", "ACTOR", "EVENT", "AUTHORITY", "SERIAL"]
    assert shell_user().name in text
    entries = json.loads(anchorhold("history", "--output-format", "json").text)
    lines = [json.loads(line) for line in anchorhold("history", "--output-format", "jsonl").text.splitlines()]
    assert entries == lines
    assert {"at", "kind", "authority", "serial", "actor", "correlation_id", "detail"} == set(entries[0])
    assert [entry["kind"] for entry in entries if entry["kind"] == "authority-created"] == ["authority-created"]


def test_the_command_selects_by_time_authority_and_actor(anchorhold: Command) -> None:
    anchorhold("init-ca", "Root", "CN=Root")
    anchorhold("init-ca", "Other", "CN=Other")
    assert "Other" not in anchorhold("history", "--ca", "Root").text
    assert anchorhold("history", "--since", "1d").text == anchorhold("history").text
    assert "No events found" in anchorhold("history", "--until", "1d").talk
    assert "No events found" in anchorhold("history", "--actor", "nobody else").talk
    assert anchorhold("history", "--limit", "1").text.count("\n") == 2


@pytest.mark.parametrize("option", [("--since", "soon"), ("--until", "32.13.2026")])
def test_a_time_that_cannot_be_read_is_refused(anchorhold: Command, option: tuple[str, str]) -> None:
    anchorhold("init-ca", "Root", "CN=Root")
    refused = anchorhold("history", *option)
    assert refused.exit_code == ValidityError.exit_code
    assert "cannot be read" in refused.talk


def test_a_history_of_nothing_makes_no_ledger(anchorhold: Command, ca_dir: object) -> None:
    assert "No events found" in anchorhold("history").talk


def test_a_certificate_has_a_json_form(installation: Installation, make_csr: MakeCsr) -> None:
    installation.authorities.create("Root", "CN=Root")
    serial = installation.certificates.sign("Root", Order(csr=make_csr(), names=["a.example"])).serial
    record = installation.certificates.get(serial)
    known = json.loads(json.dumps(record.to_json()))
    assert (known["serial"], known["names"], known["profile"]) == (serial, ["DNS:a.example"], "webserver")
    assert not {"certificate", "tbs"} & set(known)
