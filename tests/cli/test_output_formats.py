"""What comes out where: data on standard output or in a file, talk on standard error, in every format."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from anchorhold import errors
from cli.cli_steps import certificate, good, left_behind, refused
from programs import openssl

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Command, MakeCsr

SIGN = ("sign-cert", "--ca=Issuing", "--csr=example.csr", "--alt=example.com")
LOADERS: dict[str, Callable[[bytes], x509.Certificate]] = {
    "pem": x509.load_pem_x509_certificate,
    "der": x509.load_der_x509_certificate,
    "json": lambda data: x509.load_pem_x509_certificate(json.loads(data)["pem"].encode()),
}


@pytest.fixture
def chain(anchorhold: Command, csr_file: Path) -> Command:
    """The command line of an installation with ``Root`` and, below it, ``Issuing``."""
    assert csr_file.name == "example.csr"
    good(anchorhold("init-ca", "Root", "CN=Root", "--path-length=1"))
    good(anchorhold("init-ca", "Issuing", "CN=Issuing", "--parent=Root"))
    return anchorhold


def _commands(chain: Command) -> dict[str, tuple[tuple[str, ...], str]]:
    """Lines that show a certificate, each with its subject."""
    good(chain(*SIGN))
    serial = json.loads(good(chain("list-certs", "--output-format=json")).data)[0]["serial"]
    return {
        "sign-cert": (SIGN, "CN=example.com"),
        "view-ca": (("view-ca", "Issuing"), "CN=Issuing"),
        "view-cert": (("view-cert", serial), "CN=example.com"),
        "init-ca": (("init-ca", "Third", "CN=Third", "--parent=Root"), "CN=Third"),
    }


@pytest.mark.parametrize("form", ["pem", "der", "json", "text"])
@pytest.mark.parametrize("command", ["sign-cert", "view-ca", "view-cert", "init-ca"])
def test_a_certificate_is_shown_in_every_format(command: str, form: str, chain: Command) -> None:
    line, subject = _commands(chain)[command]
    shown = good(chain(*line, "--output-format", form))
    if form == "text":
        assert f"Subject:     {subject}\n" in shown.text
        assert "\x1b" not in shown.text
    else:
        assert LOADERS[form](shown.data).subject.rfc4514_string() == subject
    assert bool(shown.talk) == (command in ("sign-cert", "init-ca"))
    assert "BEGIN" not in shown.talk


@pytest.mark.parametrize("form", ["pem", "der", "json", "text"])
@pytest.mark.parametrize("command", ["sign-cert", "view-ca", "view-cert", "init-ca"])
def test_out_writes_the_same_to_a_file_and_nothing_to_standard_output(
    command: str, form: str, chain: Command, tmp_path: Path
) -> None:
    line, subject = _commands(chain)[command]
    out = tmp_path / "shown"
    out.write_bytes(b"an older file")
    before = set(tmp_path.iterdir())
    assert good(chain(*line, "-f", form, "-o", "shown")).data == b""
    content = out.read_bytes()
    if form == "text":
        assert f"Subject:     {subject}\n" in content.decode()
    else:
        assert LOADERS[form](content).subject.rfc4514_string() == subject
    assert set(tmp_path.iterdir()) == before  # no temporary file stays


def test_a_command_without_a_format_or_file_shows_no_certificate_of_a_new_authority(anchorhold: Command) -> None:
    created = good(anchorhold("init-ca", "Root", "CN=Root"))
    assert created.data == b""
    assert "Created authority Root" in created.talk


def _subjects(data: bytes) -> list[str]:
    return [found.subject.rfc4514_string() for found in x509.load_pem_x509_certificates(data)]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("sign-cert", ["CN=example.com", "CN=Issuing", "CN=Root"]),
        ("view-cert", ["CN=example.com", "CN=Issuing", "CN=Root"]),
        ("view-ca", ["CN=Issuing", "CN=Root"]),
        ("init-ca", ["CN=Third", "CN=Root"]),
    ],
)
def test_bundle_puts_the_issuers_behind_the_certificate(command: str, expected: list[str], chain: Command) -> None:
    line, _ = _commands(chain)[command]
    assert _subjects(good(chain(*line, "-f", "pem", "--bundle")).data) == expected


def test_bundle_of_json_and_text_has_the_whole_chain(chain: Command) -> None:
    shown = json.loads(good(chain("view-ca", "Issuing", "-f", "json", "--bundle")).data)
    assert _subjects("".join([shown["pem"], *shown["chain"]]).encode()) == ["CN=Issuing", "CN=Root"]
    text = good(chain("view-ca", "Issuing", "-f", "text", "--bundle")).text
    assert text.index("Subject:     CN=Issuing") < text.index("Subject:     CN=Root")


def test_the_bundle_of_a_root_is_the_root_once(chain: Command) -> None:
    assert _subjects(good(chain("view-ca", "Root", "-f", "pem", "--bundle")).data) == ["CN=Root"]
    serial = json.loads(good(chain("list-cas", "-f", "json")).data)[0]["serial"]
    assert _subjects(good(chain("view-cert", serial, "-f", "pem", "--bundle")).data) == ["CN=Root"]


def test_lists_in_json_have_what_the_ledger_has(chain: Command) -> None:
    leaf = certificate(chain(*SIGN))
    root, issuing = json.loads(good(chain("list-cas", "-f", "json")).data)
    assert (root["name"], root["parent"], issuing["name"], issuing["parent"]) == ("Root", None, "Issuing", "Root")
    assert issuing["status"] == "active"
    found = json.loads(good(chain("list-certs", "-f", "json")).data)[0]
    assert int(found["serial"], 16) == leaf.serial_number
    assert (found["authority"], found["profile"], found["names"]) == ("Issuing", "webserver", ["DNS:example.com"])
    assert found["not_after"] == leaf.not_valid_after_utc.isoformat()


def test_names_with_commas_in_them_stay_whole(chain: Command, make_csr: MakeCsr, tmp_path: Path) -> None:
    """Other names come from requests only: a user principal name, as Windows asks for one."""
    names = ["URI:https://example.com/a,b", "dirname:CN=x,O=y", "RID:1.2.3"]
    user = x509.OtherName(x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3"), b"\x0c\x03u@d")
    (tmp_path / "other.csr").write_bytes(make_csr(alt=[user]))
    leaf = certificate(
        chain("sign-cert", "--ca=Issuing", "--csr=other.csr", "--copy=alt", *(f"--alt={name}" for name in names))
    )
    names.append("other:1.3.6.1.4.1.311.20.2.3:0c03754064")
    assert json.loads(good(chain("list-certs", "-f", "json")).data)[0]["names"] == names
    assert json.loads(good(chain("view-cert", f"{leaf.serial_number:x}", "-f", "json")).data)["names"] == names


def test_lists_as_text_have_a_head_and_a_line_for_each(chain: Command) -> None:
    good(chain(*SIGN))
    head, *rows = good(chain("list-cas")).text.splitlines()
    assert head.split() == ["NAME", "STATUS", "SERIAL", "EXPIRES", "KEY", "BACKEND", "SUBJECT"]
    assert [row.split()[0] for row in rows] == ["Root", "Issuing"]
    assert rows[1].startswith("  Issuing")  # below the one that signed it
    head, *rows = good(chain("list-certs")).text.splitlines()
    assert [row.split()[-1] for row in rows] == ["DNS:example.com", "CN=Issuing", "CN=Root"]
    assert [row.split()[1] for row in good(chain("list-certs", "--ca=Issuing")).text.splitlines()[1:]] == ["Issuing"]


def test_empty_lists_are_empty_data_and_a_word_on_standard_error(anchorhold: Command) -> None:
    for command in ("list-cas", "list-certs"):
        shown = good(anchorhold(command))
        assert shown.data == b""
        assert shown.talk
        assert json.loads(good(anchorhold(command, "-f", "json")).data) == []


def test_list_certs_goes_on_page_by_page(chain: Command) -> None:
    for number in range(3):
        good(chain("sign-cert", "--ca=Issuing", "--csr=example.csr", f"--alt={number}.example.com"))
    pages: list[list[dict[str, Any]]] = []
    after = 0
    while True:
        page = json.loads(good(chain("list-certs", "-f", "json", "--limit=2", f"--after={after}")).data)
        if not page:
            break
        pages.append(page)
        after = page[-1]["number"]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert len({entry["serial"] for page in pages for entry in page}) == 5


def test_a_certificate_is_found_by_its_serial_with_colons_in_capitals_or_by_a_beginning(chain: Command) -> None:
    leaf = certificate(chain(*SIGN))
    digits = f"{leaf.serial_number:x}"
    colons = ":".join(digits[at : at + 2] for at in range(0, len(digits), 2))
    for serial in (digits, colons, colons.upper(), f"0x{digits}", digits[:16], colons[:23]):
        assert certificate(chain("view-cert", serial, "-f", "pem")) == leaf


def test_an_ambiguous_beginning_of_a_serial_is_refused(chain: Command, tmp_path: Path) -> None:
    for number in range(17):  # two of 17 begin with the same hex digit
        good(chain("sign-cert", "--ca=Issuing", "--csr=example.csr", f"--alt={number}.example.com"))
    serials = [entry["serial"] for entry in json.loads(good(chain("list-certs", "-f", "json")).data)]
    first = next(digit for digit in "0123456789abcdef" if sum(serial[0] == digit for serial in serials) > 1)
    before = left_behind(tmp_path)
    refused(chain("view-cert", first), errors.UnknownCertificateError, "matches several", "more digits of the serial")
    assert left_behind(tmp_path) == before


def test_an_authority_is_found_by_name_serial_or_unique_beginning(anchorhold: Command) -> None:
    made = {name: certificate(anchorhold("init-ca", name, "CN=Any", "-f", "pem")) for name in ("Web", "Web EU", "Mail")}
    for name, cert in made.items():
        digits = f"{cert.serial_number:x}"
        colons = ":".join(digits[at : at + 2] for at in range(0, len(digits), 2))
        for given in (name, digits, colons, colons.upper(), digits[:20]):
            assert certificate(anchorhold("view-ca", given, "-f", "pem")) == cert
    assert certificate(anchorhold("view-ca", "M", "-f", "pem")) == made["Mail"]
    assert certificate(anchorhold("view-ca", "Web ", "-f", "pem")) == made["Web EU"]
    refused(anchorhold("view-ca", "We"), errors.UnknownAuthorityError, "'We'", "Web, Web EU", "more of the name")


@pytest.mark.parametrize("form", [Encoding.PEM, Encoding.DER], ids=["PEM", "DER"])
def test_a_request_is_read_from_standard_input_and_files_in_both_forms(
    form: Encoding, chain: Command, make_csr: MakeCsr, tmp_path: Path
) -> None:
    request = x509.load_pem_x509_csr(make_csr())
    data = request.public_bytes(form)
    (tmp_path / "request").write_bytes(data)
    for csr, stdin in (("-", data), ("request", b"")):
        leaf = certificate(chain("sign-cert", "--ca=Issuing", f"--csr={csr}", "--alt=example.com", stdin=stdin))
        assert leaf.public_key() == request.public_key()


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("CN=Order,OU=Unit,O=Org,C=AT", ["C=AT", "O=Org", "OU=Unit", "CN=Order"]),
        ("/C=AT/O=Org/OU=Unit/CN=Order", ["C=AT", "O=Org", "OU=Unit", "CN=Order"]),
        ("/CN=Order/O=Org/C=AT", ["CN=Order", "O=Org", "C=AT"]),
        ("CN=Order,DC=example,DC=com", ["DC=com", "DC=example", "CN=Order"]),
        ("/C=AT/O=A\\/B, Inc./CN=Order", ["C=AT", "O=A/B, Inc.", "CN=Order"]),
        ("CN=Order,O=A\\, B", ["O=A, B", "CN=Order"]),
        ("/O=Org/CN=Order+UID=7", ["O=Org", "CN=Order+UID=7"]),
        ("/C=AT/CN=Öffentliche Stelle", ["C=AT", "CN=Öffentliche Stelle"]),
    ],
)
def test_a_subject_keeps_its_order_in_the_certificate(text: str, order: list[str], anchorhold: Command) -> None:
    names = {"2.5.4.6": "C", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.3": "CN"}
    names |= {"0.9.2342.19200300.100.1.25": "DC", "0.9.2342.19200300.100.1.1": "UID"}
    root = certificate(anchorhold("init-ca", "Root", text, "-f", "pem"))
    rdns = ["+".join(f"{names[part.oid.dotted_string]}={part.value!s}" for part in rdn) for rdn in root.subject.rdns]
    assert [set(rdn.split("+")) for rdn in rdns] == [set(rdn.split("+")) for rdn in order]


def test_openssl_reads_a_subject_in_the_order_that_was_given(anchorhold: Command) -> None:
    good(anchorhold("init-ca", "Root", "/C=AT/O=Org/CN=Order", "--out=root.pem"))
    shown = openssl("x509", "-in", "root.pem", "-noout", "-subject", "-nameopt", "compat")
    assert shown == "subject=/C=AT/O=Org/CN=Order\n"


def test_what_a_request_asks_for_beyond_is_said_and_not_copied(chain: Command, csr_file: Path) -> None:
    assert csr_file.is_file()
    signed = chain(*SIGN)
    assert certificate(signed).subject.rfc4514_string() == "CN=example.com"
    assert "CN=asked for" in signed.talk
    assert "--copy" in signed.talk
    copied = chain(*SIGN, "--copy=subject")
    assert certificate(copied).subject.rfc4514_string() == "CN=asked for"
    assert "asked for" not in copied.talk


@pytest.mark.parametrize("label", ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"])
def test_a_request_with_text_before_it_is_read(label: str, chain: Command, make_csr: MakeCsr, tmp_path: Path) -> None:
    """As ``openssl req -text`` and older Windows programs write it."""
    (tmp_path / "plain.csr").write_bytes(make_csr(subject="CN=example.com"))
    shown = openssl("req", "-in", "plain.csr", "-text").replace("CERTIFICATE REQUEST", label)
    (tmp_path / "text.csr").write_text(shown.replace("\n", "\r\n"))
    leaf = certificate(chain("sign-cert", "--ca=Issuing", "--csr=text.csr", "--alt=example.com"))
    assert leaf.public_key() == x509.load_pem_x509_csr((tmp_path / "plain.csr").read_bytes()).public_key()
