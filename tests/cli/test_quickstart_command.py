"""``quickstart``: one command from nothing to a chain that openssl verifies."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from anchorhold import errors
from cli.cli_steps import good, left_behind, listed, refused
from programs import openssl

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Command


@pytest.mark.parametrize(
    ("hosts", "stem"),
    [
        (("example.com",), "example.com"),
        (("example.com", "www.example.com", "192.0.2.1"), "example.com"),
        (("*.example.com",), "_.example.com"),
        (("192.0.2.1",), "192.0.2.1"),
        (("2001:db8::1",), "2001_db8__1"),
        (("localhost",), "localhost"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_the_chain_verifies_for_every_kind_of_host(
    hosts: tuple[str, ...], stem: str, anchorhold: Command, tmp_path: Path
) -> None:
    made = good(anchorhold("quickstart", *hosts))
    assert made.data == b""
    verify = ("verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", "root.pem", "-untrusted", "issuing.pem")
    assert openssl(*verify, f"{stem}.pem") == f"{stem}.pem: OK\n"
    chain = x509.load_pem_x509_certificates((tmp_path / f"{stem}.chain.pem").read_bytes())
    assert [found.issuer.rfc4514_string() for found in chain] == ["CN=Quickstart Issuing CA", "CN=Quickstart Root"]
    names = chain[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in names] == list(hosts)
    assert (tmp_path / f"{stem}.key").stat().st_mode & 0o777 == 0o600
    assert openssl("pkey", "-in", f"{stem}.key", "-pubout") == openssl(
        "x509", "-in", f"{stem}.pem", "-noout", "-pubkey"
    )


def test_three_next_commands_are_offered_and_the_first_runs_as_written(anchorhold: Command) -> None:
    talk = good(anchorhold("quickstart", "example.com")).talk
    commands = re.findall(r"^  (\S.*)$", talk.partition("Next:")[2], re.MULTILINE)
    assert len(commands) == 3
    first, *arguments = shlex.split(commands[0])
    assert first == "openssl"
    assert openssl(*arguments) == "example.com.pem: OK\n"
    program, *arguments = shlex.split(commands[2])
    assert program == "anchorhold"
    assert "example.com" in good(anchorhold(*arguments)).text


def test_a_second_run_uses_the_authorities_of_the_first(anchorhold: Command, tmp_path: Path) -> None:
    good(anchorhold("quickstart", "one.example"))
    first = (tmp_path / "root.pem").read_bytes(), (tmp_path / "issuing.pem").read_bytes()
    good(anchorhold("quickstart", "two.example"))
    assert ((tmp_path / "root.pem").read_bytes(), (tmp_path / "issuing.pem").read_bytes()) == first
    assert len(listed(anchorhold)) == 2
    assert openssl("verify", "-CAfile", "root.pem", "-untrusted", "issuing.pem", "one.example.pem", "two.example.pem")


@pytest.mark.parametrize("part", [".key", ".pem", ".chain.pem"])
def test_a_file_that_exists_is_never_overwritten(part: str, anchorhold: Command, tmp_path: Path) -> None:
    (tmp_path / f"example.com{part}").write_text("precious")
    before = left_behind(tmp_path)
    refused(anchorhold("quickstart", "example.com"), errors.OutputError, f"example.com{part}", "move it away")
    assert left_behind(tmp_path) == before
    assert (tmp_path / f"example.com{part}").read_text() == "precious"


@pytest.mark.parametrize("name", ["root.pem", "issuing.pem"])
def test_a_foreign_root_or_issuing_file_is_never_overwritten(name: str, anchorhold: Command, tmp_path: Path) -> None:
    """Somebody else's root.pem may stand in the folder; only a file with the same certificate is left as it is."""
    (tmp_path / name).write_text("precious")
    before = left_behind(tmp_path)
    refused(anchorhold("quickstart", "example.com"), errors.OutputError, name, "move it away")
    assert left_behind(tmp_path) == before
    assert (tmp_path / name).read_text() == "precious"


@pytest.mark.parametrize(
    "host",
    [
        "a_b.example",
        "exa mple.com",
        "",
        "host:8443",
        "https://example.com/",
        "me@example.com",
        "DNS:example.com",
        "dirname:CN=a",
        "../../up",
    ],
)
def test_what_is_no_host_makes_nothing(host: str, anchorhold: Command, tmp_path: Path) -> None:
    before = left_behind(tmp_path)
    refused(anchorhold("quickstart", host), errors.NameForbiddenError, repr(host))
    assert left_behind(tmp_path) == before


def test_an_expired_or_disabled_quickstart_authority_is_named(anchorhold: Command, tmp_path: Path) -> None:
    good(anchorhold("quickstart", "one.example"))
    good(anchorhold("edit-ca", "Quickstart Issuing CA", "--disable"))
    before = left_behind(tmp_path)
    refused(anchorhold("quickstart", "two.example"), errors.AuthorityNotReadyError, "Quickstart Issuing CA")
    assert left_behind(tmp_path) == before


def test_an_authority_whose_name_only_begins_alike_is_not_taken(anchorhold: Command) -> None:
    good(anchorhold("init-ca", "Quickstart Root of somebody else", "CN=Else"))
    good(anchorhold("quickstart", "example.com"))
    assert [found["name"] for found in listed(anchorhold)] == [
        "Quickstart Root of somebody else",
        "Quickstart Root",
        "Quickstart Issuing CA",
    ]
