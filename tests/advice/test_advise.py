"""``advise``, the notes of other commands, ``--for`` and ``--even-so``."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from anchorhold import IssuancePolicy, Order, key_spec, software_keys
from anchorhold.advice.features import Feature
from anchorhold.advice.programs import named
from anchorhold.advice.verdict import advise
from anchorhold.errors import InputError, KeyInvalidError, NotAcceptedError, UnknownAuthorityError
from anchorhold.key_file import key_file
from anchorhold.secret import Secret
from cli.cli_steps import good, left_behind, listed, refused
from programs import openssl

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold.installation import Installation
    from conftest import Command, MakeCsr

FILES: Final = ("-keyout", "k.pem", "-out", "c.pem", "-subj", "/CN=Elsewhere")
SHA3: Final = ("--algorithm", "SHA3-256")


def advised(anchorhold: Command, *arguments: str) -> list[dict[str, Any]]:
    """What ``advise`` prints as JSON."""
    found: list[dict[str, Any]] = json.loads(good(anchorhold("advise", "-f", "json", *arguments)).data)
    return found


@pytest.mark.parametrize("key", [(), ("--key-type=RSA", "--key-size=2048"), ("--elliptic-curve=P-384",)])
def test_the_usual_kinds_say_nothing(key: tuple[str, ...], anchorhold: Command, csr_file: Path) -> None:
    made = good(anchorhold("init-ca", "Root", "CN=Root", *key, "-f", "json"))
    signed = good(anchorhold("sign-cert", "--ca=Root", f"--csr={csr_file}", "--alt=a.example.com", "-f", "json"))
    edited = good(anchorhold("edit-ca", "Root", "--max-days=90"))
    assert json.loads(made.data)["advice"] == []
    assert json.loads(signed.data)["advice"] == []
    assert all("refused by" not in outcome.talk for outcome in (made, signed, edited))
    assert "None of the measured programs" in good(anchorhold("advise", "Root")).talk


def test_a_command_that_makes_what_some_refuse_says_so_in_one_line(anchorhold: Command, csr_file: Path) -> None:
    made = good(anchorhold("init-ca", "Root", "CN=Root", "--key-type=Ed448", "-f", "json"))
    (line,) = (line for line in made.talk.splitlines() if "refused" in line)
    assert line == (
        "Note: Ed448: refused by nss, mbedtls, go, cryptography, botan2.19, rustls, pkijs; "
        "see `anchorhold advise Root`."
    )
    (finding,) = json.loads(made.data)["advice"]
    assert (finding["case"], finding["what"], finding["measured_with"]) == ("authority", "Ed448", None)
    assert {"program": "go1.27", "version": "1.27.3", "says": "unknown authority"} in finding["refused_by"]
    signed = good(anchorhold("sign-cert", "--ca=Root", f"--csr={csr_file}", "--alt=a.example.com", "-f", "json"))
    content = json.loads(signed.data)
    assert content["advice"] == [finding]
    assert f"see `anchorhold advise {content['serial']}`" in signed.talk
    edited = good(anchorhold("edit-ca", "Root", "--max-days=90", "-f", "json"))
    assert "Note: Ed448: refused by" in edited.talk
    assert (json.loads(edited.data)["max_days"], json.loads(edited.data)["advice"]) == (90, [finding])
    asked = good(anchorhold("init-ca", "An Other", "CN=Other", "--key-type=Ed448", "--csr-out=o.csr"))
    assert "see `anchorhold advise 'An Other'`." in asked.talk


@pytest.mark.parametrize("signed", [False, True])
def test_an_authority_that_is_imported_is_told_of_too(signed: bool, anchorhold: Command) -> None:
    if signed:
        good(anchorhold("init-ca", "Ed", "CN=Elsewhere", "--key-type=Ed448", "--csr-out=ed.csr"))
        good(anchorhold("init-ca", "Root", "CN=Root"))
        order = ("--profile=intermediate", "--csr=ed.csr", "--subject=CN=Elsewhere", "--out=ed.pem")
        good(anchorhold("sign-cert", "--ca=Root", *order))
        made = anchorhold("import-ca", "Ed", "--signed=ed.pem", "-f", "json")
    else:
        openssl("req", "-x509", "-newkey", "ed448", "-nodes", *FILES)
        made = anchorhold("import-ca", "Ed", "k.pem", "c.pem", "-f", "json")
    (line,) = (line for line in good(made).talk.splitlines() if "refused" in line)
    assert line.endswith("see `anchorhold advise Ed`.")
    assert [finding["what"] for finding in json.loads(made.data)["advice"]] == ["Ed448"]


def test_of_an_imported_authority_of_a_usual_kind_nothing_is_said(anchorhold: Command) -> None:
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", *FILES)
    made = good(anchorhold("import-ca", "P-256", "k.pem", "c.pem", "-f", "json"))
    assert json.loads(made.data)["advice"] == []
    assert "refused by" not in made.talk


def test_many_notes_are_cut_short(anchorhold: Command) -> None:
    names = ("DNS:example.com", "IP:192.0.2.0/24", "email:example.com", "URI:.example.com", "dirname:O=Example")
    made = good(anchorhold("init-ca", "Root", "O=Example,CN=Root", *(f"--permit-name={name}" for name in names)))
    assert len([line for line in made.talk.splitlines() if line.startswith("Note:")]) == 4


@pytest.mark.parametrize(
    ("what", "programs"),
    [
        (("--key-type=Ed448",), "go"),
        (("--key-type=Ed448",), "java17, GO1.27"),
        (("--key-type=ML-DSA-65",), "java17"),  # by the older of two that stand under this name
        (("--key-type=ML-DSA-65",), "curl"),  # as OpenSSL 3.0 does, with which it was built
        (("--key-type=ML-DSA-44",), "nginx"),
        (("--elliptic-curve=secp256k1",), "java21"),
        (("--permit-name=dirname:O=Example",), "cryptography"),
        (("--hostname=pki.example.com", "--crl-shards=4"), "nss3.110"),
        (("--hostname=pki.example.com", "--key-type=Ed25519"), "nss3.87"),
        (("--key-type=RSA", "--key-size=2048", *SHA3), "pyhanko"),
    ],
)
@pytest.mark.parametrize("more", [(), ("--csr-out=root.csr",)])
def test_for_refuses_before_anything_is_made(
    what: tuple[str, ...], programs: str, more: tuple[str, ...], anchorhold: Command, tmp_path: Path
) -> None:
    before = left_behind(tmp_path)
    refused(anchorhold("init-ca", "Root", "CN=Root", *what, *more, "--for", programs), NotAcceptedError, "refused by")
    assert left_behind(tmp_path) | {"ledgers": {}} == before
    assert listed(anchorhold) == []
    good(anchorhold("init-ca", "Root", "CN=Root", *what, *more, "--for=openssl3.6,openssl3.5"))


def test_for_refuses_an_end_that_is_none(anchorhold: Command) -> None:
    endless = ("init-ca", "Root", "CN=Root", "--expires=9999-12-31T23:59:59")
    refused(anchorhold(*endless, "--for=botan3.7"), NotAcceptedError, "botan3.7")
    good(anchorhold(*endless, "--for=botan3.13"))


def test_for_looks_at_authorities_above(anchorhold: Command) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root", "--key-type=Ed448"))
    issuing = ("init-ca", "Issuing", "CN=Issuing", "--parent=Root")
    refused(anchorhold(*issuing, "--for=rustls"), NotAcceptedError, "rustls")
    assert len(listed(anchorhold)) == 1
    good(anchorhold(*issuing, "--for=java"))


def test_for_refuses_a_change(anchorhold: Command) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root", "--key-type=RSA", "--key-size=2048"))
    before = listed(anchorhold)
    refused(anchorhold("edit-ca", "Root", *SHA3, "--for=go"), NotAcceptedError, "go1.19", "go1.27")
    assert listed(anchorhold) == before
    good(anchorhold("edit-ca", "Root", *SHA3, "--for=java,node"))
    refused(anchorhold("edit-ca", "Root", "--rename=Other", "--for=nss"), NotAcceptedError, "nss3.87")
    assert [each["name"] for each in listed(anchorhold)] == ["Root"]
    good(anchorhold("edit-ca", "Root", "--algorithm=", "--for=nss,go"))


def test_for_refuses_a_certificate_before_a_serial_number_is_used(
    anchorhold: Command, csr_file: Path, tmp_path: Path
) -> None:
    good(anchorhold("init-ca", "Root", "O=Example,CN=Root", "--permit-name=IP:192.0.2.0/24"))
    before = left_behind(tmp_path)
    sign = ("sign-cert", "--ca=Root", f"--csr={csr_file}", "--subject=CN=x", "--for=pyhanko", "-o", "www.pem")
    refused(anchorhold(*sign, "--alt=192.0.2.7"), NotAcceptedError, "pyhanko", "IP_ADDRESS")
    assert left_behind(tmp_path) == before
    good(anchorhold(*sign, "--alt=a.example.com"))


def test_an_issuer_checks_each_order(installation: Installation, make_csr: MakeCsr) -> None:
    root = installation.authorities.create("Root", "CN=Root", key=key_spec("Ed25519"))
    order = Order(csr=make_csr(), names=["a.example.com"])
    with installation.certificates.issuer(root, accepted_by=["cryptography"]) as issuer:
        with pytest.raises(NotAcceptedError, match="Forbidden public key algorithm"):
            issuer.sign(order)
        (refusal,) = issuer.sign_each([order])
        assert isinstance(refusal.error, NotAcceptedError)  # type: ignore[union-attr]
    assert installation.certificates.count(root) == 1, "that of the root itself"


def test_ec_with_sha3_needs_even_so_wherever_it_is_chosen(anchorhold: Command, tmp_path: Path) -> None:
    new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout")
    openssl(*new, "elsewhere.key", "-out", "elsewhere.pem", "-subj", "/CN=Elsewhere")
    good(anchorhold("init-ca", "Old", "CN=Old"))
    ways = (
        ("init-ca", "Root", "CN=Root"),
        ("init-ca", "Offline", "CN=Offline", "--csr-out=offline.csr"),
        ("import-ca", "Elsewhere", "elsewhere.key", "elsewhere.pem"),
        ("edit-ca", "Old"),
    )
    for way in ways:
        before = left_behind(tmp_path)
        refused(anchorhold(*way, *SHA3), NotAcceptedError, "OpenSSL 3.0", "`--even-so`")
        assert left_behind(tmp_path) == before
        good(anchorhold(*way, *SHA3, "--even-so"))
    good(anchorhold("edit-ca", "Old", "--max-days=90"))  # what it has already stays
    refused(anchorhold("edit-ca", "Old", "--algorithm=SHA3-512"), NotAcceptedError, "SHA3-512")
    refused(anchorhold("init-ca", "New", "CN=New", *SHA3, "--even-so", "--for=go"), NotAcceptedError, "go1.27")


def test_other_keys_sign_with_sha3_as_they_like(installation: Installation) -> None:
    rsa = key_spec("RSA", 2048)
    installation.authorities.create("Root", "CN=Root", key=rsa, issuing=IssuancePolicy(hash="SHA3-256"))


def test_unknown_programs_are_refused_with_the_nearest_known(anchorhold: Command, csr_file: Path) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    for command in (
        ("advise",),
        ("advise", "Root"),
        ("init-ca", "Other", "CN=Other"),
        ("edit-ca", "Root", "--max-days=90"),
        ("sign-cert", "--ca=Root", f"--csr={csr_file}", "--alt=a.example.com"),
    ):
        refused(anchorhold(*command, "--for=java17,nginxx"), InputError, "'nginxx'", "did you mean 'nginx'?")
        refused(anchorhold(*command, "--for="), InputError, "--for")
    refused(anchorhold("advise", "--for=lynx"), InputError, "known: ", "openssl3.0", "rustls")
    assert len(listed(anchorhold)) == 1


def test_advise_finds_what_is_named(anchorhold: Command, csr_file: Path, tmp_path: Path) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    good(anchorhold("init-ca", "Ed", "CN=Ed", "--key-type=Ed25519", "-o", "ed.pem"))
    good(anchorhold("init-ca", "Waiting", "CN=Waiting", "--csr-out=w.csr"))
    good(anchorhold("sign-cert", "--ca=Ed", f"--csr={csr_file}", "--alt=a.example.com", "-o", "a.pem"))
    (issued,) = (each for each in listed(anchorhold, "list-certs") if each["names"])
    everything = advised(anchorhold)
    assert [each["subject"] for each in everything] == ["authority 'Root'", "authority 'Ed'"]
    assert everything[0]["advice"] == []
    for arguments in (("Ed",), (issued["serial"],), (issued["serial"][:12],), ("--cert=a.pem",), ("--cert=ed.pem",)):
        (found,) = advised(anchorhold, *arguments)
        assert {finding["what"] for finding in found["advice"]} == {"Ed25519"}, arguments
    shown = good(anchorhold("advise", "Ed")).text.splitlines()
    assert shown[0].split() == ["SUBJECT", "CASE", "WHAT", "PROGRAM", "SAYS"]
    assert shown[1].split() == ["authority", "'Ed'", "authority", "Ed25519", "nss3.87", "SEC_ERROR_ADDING_CERT"]
    refused(anchorhold("advise", "Nobody"), UnknownAuthorityError, "'Nobody'")
    refused(anchorhold("advise", "Ed", "--cert=a.pem"), InputError, "one of")


def test_advise_needs_no_ledger_for_a_file(anchorhold: Command, ca_dir: Path) -> None:
    openssl("req", "-x509", "-newkey", "ed448", "-nodes", *FILES)
    (found,) = advised(anchorhold, "--cert=c.pem", "--for=java")
    assert found["advice"] == []
    outcome = anchorhold("advise", "--cert=c.pem", "--for=go")
    assert outcome.exit_code == NotAcceptedError.exit_code
    assert "go1.19" in outcome.text
    assert not (ca_dir / "ledger.sqlite3").exists()


def test_a_chain_in_a_file_is_read_in_any_order(
    installation: Installation, anchorhold: Command, make_csr: MakeCsr, tmp_path: Path
) -> None:
    root = installation.authorities.create("Root", "CN=Root", key=key_spec("ML-DSA-65"), path_length=1)
    issuing = installation.authorities.create("Issuing", "CN=Issuing", parent=root)
    issued = installation.certificates.sign(issuing, Order(csr=make_csr(), names=["a.example.com"]))
    parts = [each.public_bytes(Encoding.PEM) for each in (root.certificate, issued.certificate, issuing.certificate)]
    (tmp_path / "chain.pem").write_bytes(b"".join(parts))
    (found,) = advised(anchorhold, "--cert=chain.pem", "--for=openssl3.5,openssl3.6,java17.0.21,java21")
    assert (found["subject"], found["advice"]) == ("certificate 'CN=a.example.com'", [])
    assert "openssl3.0" in anchorhold("advise", "--cert=chain.pem", "--for=openssl").talk


def test_a_key_file_is_judged_without_its_password(anchorhold: Command, tmp_path: Path) -> None:
    key = software_keys.generate(key_spec("Ed25519"))
    (tmp_path / "www.key").write_bytes(key_file(key, Secret("unknown to the command")))
    (found,) = advised(anchorhold, "--key=www.key")
    assert [finding["what"] for finding in found["advice"]] == [
        "encryption with PBES2",
        "encrypted Ed25519 key",
        "PUBLIC KEY block behind the private key",
    ]
    (tmp_path / "not.key").write_bytes(b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n")
    refused(anchorhold("advise", "--key=not.key"), KeyInvalidError, "not.key")


def test_a_program_of_narrow_use_is_told_of_only_if_it_is_named(anchorhold: Command, csr_file: Path) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root"))
    good(anchorhold("sign-cert", "--ca=Root", f"--csr={csr_file}", "--alt=a.example.com", "-o", "a.pem"))
    (found,) = advised(anchorhold, "--cert=a.pem")
    assert found["advice"] == []
    assert "OID is not RSA" in anchorhold("advise", "--cert=a.pem", "--for=node-forge").text


def test_programs_that_were_not_tried_are_named(anchorhold: Command) -> None:
    made = good(anchorhold("init-ca", "Root", "CN=Root", "--elliptic-curve=secp256k1", "--for=pkijs,openssl"))
    assert "Note: not measured: EC secp256k1 (authority) with pkijs." in made.talk


def test_a_program_sees_every_program(installation: Installation) -> None:
    names = [each.to_json()["name"] for each in installation.advice.programs()]
    assert {"nginx", "openssl3.0", "java17.0.21", "rustls"} <= set(names)


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("ML-DSA-65", "gnutls, java17.0.15, nss3.87"),
        ("EC brainpoolP256r1", "gnutls, java, nss,"),
    ],
)
def test_a_note_names_several_versions_by_the_widest_name_that_holds(what: str, told: str) -> None:
    (note,) = advise("x", [Feature("authority", what)]).notes()
    assert told in note


def test_a_line_of_versions_is_named_where_all_of_it_refuse_and_others_do_not() -> None:
    (note,) = advise("x", [Feature("key file", "encryption with PBES2")], named(["java"])).notes()
    assert note.startswith("encryption with PBES2: refused by java17")
    assert not note.startswith("encryption with PBES2: refused by java17.")


@pytest.mark.parametrize(("key", "needed"), [("EC", False), ("RSA", False), ("Ed25519", True)])
def test_what_everybody_accepts_does_not_pay_for_advice(
    key: str, needed: bool, anchorhold: Command, csr_file: Path
) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root", f"--key-type={key}"))
    sign = ("sign-cert", "--ca=Root", f"--csr={csr_file}", "--alt=a.example.com")
    code = f"import sys; sys.argv[1:] = {list(sign)!r}\ntry:\n    from anchorhold.cli import main; main()\n"
    code += "finally:\n    print(sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "'anchorhold.cli.commands.sign_cert'" in done.stderr
    assert ("'anchorhold.advice'" in done.stderr) is needed
