"""Keys that are in the token already, that are brought to it, destroyed, or left behind by a dying process."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from anchorhold import errors, software_keys
from anchorhold.algorithms import CURVES, KeySpec, key_spec
from anchorhold.pkcs8 import dump_pkcs8
from anchorhold.plugin import ImportKeyRequest
from anchorhold.public_keys import is_signed_by, spec_of, spki
from cli.cli_steps import good, refused
from hsm.softhsm import CA, configure, settings
from programs import openssl

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold.plugin import CreatedKey
    from conftest import Command
    from hsm.softhsm import Bench, SoftHsm

EC = key_spec("EC")
SPECS = (
    KeySpec(type="RSA", size=2048),
    *(KeySpec(type="EC", curve=curve) for curve in CURVES),
    KeySpec(type="Ed25519"),
    KeySpec(type="Ed448"),
)


def works(bench: Bench, created: CreatedKey) -> None:
    """The key signs."""
    message, algorithm = os.urandom(20), spec_of(created.public_key).algorithm()
    signature = bench.signer(created).sign(message, algorithm)
    assert is_signed_by(created.public_key, signature, message, algorithm)


@pytest.mark.parametrize("kind", ["EC:prime256v1", "EC:secp384r1", "rsa:2048", "EC:edwards25519"])
def test_a_key_made_by_another_program_is_adopted_by_label_id_or_uri(bench: Bench, softhsm: SoftHsm, kind: str) -> None:
    softhsm.tool("--keypairgen", "--key-type", kind, "--label", "theirs", "--id", "0aff")
    softhsm.tool("--keypairgen", "--key-type", "EC:prime256v1", "--label", "other", "--id", "01")
    ways = (
        {"key_label": "theirs"},
        {"key_id": "0aff"},
        {"key_id": "0A:FF", "key_label": "theirs"},
        {"key_uri": "pkcs11:token=one;object=theirs;type=private"},
        {"key_uri": "pkcs11:id=%0a%ff"},
        {"key_uri": f"pkcs11:id=%0a%ff;model=SoftHSM%20v2;library-version=2.6?module-path={softhsm.library}"},
    )
    found = [bench.find(**way) for way in ways]
    assert all(len(keys) == 1 for keys in found)
    assert all(keys[0].handle == found[0][0].handle for keys in found)
    works(bench, found[0][0])


def test_all_keys_that_fit_are_found_and_each_signs_for_itself(bench: Bench, softhsm: SoftHsm) -> None:
    for number in ("01", "02"):
        softhsm.tool("--keypairgen", "--key-type", "EC:prime256v1", "--label", "same", "--id", number)
    found = bench.find(key_label="same")
    assert len({spki(key.public_key) for key in found}) == 2
    for key in found:
        works(bench, key)
    assert bench.find(key_label="none of them") == ()


def test_keys_with_one_id_are_told_apart_by_their_public_half(bench: Bench, softhsm: SoftHsm) -> None:
    for label in ("first", "second"):
        softhsm.tool("--keypairgen", "--key-type", "rsa:2048", "--label", label, "--id", "01")
        softhsm.tool("--delete-object", "--type", "pubkey", "--label", label)
    found = bench.find(key_id="01")
    assert len({spki(key.public_key) for key in found}) == 2
    for key in found:
        works(bench, key)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "which key"),
        ({"key_label": "\udcff"}, "not text"),
        ({"key_id": "xyz"}, "not hexadecimal"),
        ({"key_id": "abc"}, "not hexadecimal"),
        ({"key_uri": "pkcs11:id=%01", "key_id": "02"}, "do not agree"),
        ({"key_uri": "pkcs11:object=a", "key_label": "b"}, "do not agree"),
        ({"key_uri": "pkcs11:token=one"}, "which key"),
        ({"key_uri": "http://example.com"}, "begins with pkcs11:"),
        ({"key_uri": "pkcs11:object=a;type=cert"}, "not private"),
        ({"key_uri": "pkcs11:object=a?pin-value=canary"}, "has a PIN"),
        ({"key_uri": "pkcs11:object=a?module-name=softhsm2"}, "without its file"),
        ({"key_uri": "pkcs11:object=a;token=two"}, "names a token with label 'two'"),
        ({"key_uri": "pkcs11:object=a;slot-id=99999"}, "names a token with slot 99999"),
        ({"key_uri": "pkcs11:object=a;model=Other"}, "names a token with model Other"),
        ({"key_uri": "pkcs11:object=a;library-version=99"}, "library version 99.0"),
        ({"key_uri": "pkcs11:object=a?module-path=/nowhere/other.so"}, "module path /nowhere/other.so"),
    ],
)
def test_a_key_that_is_described_badly_is_refused(bench: Bench, options: dict[str, str], words: str) -> None:
    with pytest.raises(errors.InputError, match=words) as caught:
        bench.find(**options)
    assert "canary" not in str(caught.value)


def test_the_public_half_comes_from_the_private_key_or_a_certificate_where_there_is_no_public_object(
    bench: Bench, softhsm: SoftHsm, tmp_path: Path
) -> None:
    softhsm.tool("--keypairgen", "--key-type", "rsa:2048", "--label", "bare rsa", "--id", "01")
    softhsm.tool("--keypairgen", "--key-type", "EC:prime256v1", "--label", "bare ec", "--id", "02")
    public = bench.find(key_label="bare ec")[0].public_key
    (tmp_path / "cert.der").write_bytes(_certificate_for(public))
    for number in ("01", "02"):
        softhsm.tool("--delete-object", "--type", "pubkey", "--id", number)
    works(bench, bench.find(key_label="bare rsa")[0])
    with pytest.raises(errors.KeyInvalidError, match="token 'one', key 'bare ec': its public key is not in the token"):
        bench.find(key_label="bare ec")
    softhsm.tool("--write-object", str(tmp_path / "cert.der"), "--type", "cert", "--id", "02", "--label", "x")
    works(bench, bench.find(key_label="bare ec")[0])


def _certificate_for(public: object) -> bytes:
    """A certificate of somebody for a key."""
    issuer, name = software_keys.generate(EC), x509.Name.from_rfc4514_string("CN=x")
    day = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(1)
    builder = builder.not_valid_before(day).not_valid_after(day).public_key(public)  # type: ignore[arg-type]
    return builder.sign(issuer, hashes.SHA256()).public_bytes(Encoding.DER)


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_an_imported_key_signs_and_is_protected_like_one_made_there(
    bench: Bench, softhsm: SoftHsm, spec: KeySpec
) -> None:
    key = software_keys.generate(spec)
    request = ImportKeyRequest(key_id=os.urandom(20), pkcs8=dump_pkcs8(key), ca=CA, options={"key-label": "brought"})
    created = bench.backend.import_key(request, bench.secrets)
    assert spki(created.public_key) == spki(key.public_key())
    works(bench, created)
    assert bench.find(request.key_id)[0].handle == created.handle
    (access,) = (line for line in softhsm.tool("--list-objects", "--type", "privkey").splitlines() if "Access" in line)
    assert "sensitive" in access
    assert "extractable" not in access.replace("never extractable", "")
    with pytest.raises(errors.KeyExistsError, match="'brought'"):
        bench.backend.import_key(request, bench.secrets)


def test_a_key_that_cannot_be_brought_leaves_nothing(bench: Bench, softhsm: SoftHsm) -> None:
    key = software_keys.generate(key_spec("ML-DSA-44"))
    request = ImportKeyRequest(key_id=os.urandom(20), pkcs8=dump_pkcs8(key), ca=CA, options={"key-label": None})
    with pytest.raises(errors.KeyUnsupportedError, match="cannot be put into a token"):
        bench.backend.import_key(request, bench.secrets)
    assert softhsm.objects() == 0


def test_deleting_destroys_both_halves_and_nothing_else(bench: Bench, softhsm: SoftHsm) -> None:
    gone, stays = bench.create(EC, "gone"), bench.create(EC, "stays")
    assert bench.delete(gone) is True
    assert bench.delete(gone) is False
    assert softhsm.objects() == 2
    works(bench, stays)


def test_a_public_half_that_was_left_alone_is_cleared_away(bench: Bench, softhsm: SoftHsm) -> None:
    created = bench.create(EC, "half")
    softhsm.tool("--delete-object", "--type", "privkey", "--label", "half")
    assert bench.delete(created) is False
    assert softhsm.objects() == 0


@pytest.fixture
def configured(softhsm: SoftHsm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SoftHsm:
    """Settings with the token under the alias ``default``."""
    configure(tmp_path, monkeypatch, settings(softhsm, "default", more='user_pin = "1234"'))
    return softhsm


def test_a_new_ca_on_a_key_that_is_there_and_its_certificate_brought_back_later(
    configured: SoftHsm, anchorhold: Command
) -> None:
    configured.tool("--keypairgen", "--key-type", "EC:prime256v1", "--label", "theirs", "--id", "07")
    refused(anchorhold("init-ca", "Root", "CN=Root", "--adopt", "--key-label=no"), errors.KeyMissingError, "adopt")
    good(anchorhold("init-ca", "Root", "CN=Root", "--adopt", "--key-uri=pkcs11:id=%07", "--out=root.pem"))
    openssl("verify", "-x509_strict", "-CAfile", "root.pem", "root.pem")
    assert configured.objects() == 2


@pytest.mark.databases("sqlite", because="the ledger is read as a file")
def test_an_adopted_key_of_an_abandoned_authority_is_said_to_stay(
    configured: SoftHsm, anchorhold: Command, database: str, tmp_path: Path
) -> None:
    configured.tool("--keypairgen", "--key-type", "EC:prime256v1", "--label", "theirs", "--id", "07")
    uri = "pkcs11:object=theirs;model=SoftHSM%20v2"
    good(anchorhold("init-ca", "Sub", "CN=Sub", "--adopt", f"--key-uri={uri}", "--csr-out=sub.csr"))
    assert not [path for path in tmp_path.rglob("*.sqlite3*") if uri.encode() in path.read_bytes()]
    assert "its key was adopted and remains in the key backend" in good(anchorhold("recover", "--abandon=Sub")).talk
    assert configured.private_labels() == ["theirs"]


def test_a_token_that_is_not_there_is_not_called_usable(
    softhsm: SoftHsm, anchorhold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(tmp_path, monkeypatch, settings(softhsm, "default", "away", more='user_pin = "1234"'))
    shown = good(anchorhold("backends")).text
    assert "configured" in shown
    assert "usable" not in shown


def test_an_authority_from_elsewhere_goes_on_with_the_key_in_the_token(
    configured: SoftHsm, anchorhold: Command, csr_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configured.tool("--keypairgen", "--key-type", "EC:prime256v1", "--label", "theirs", "--id", "07")
    configured.tool("--keypairgen", "--key-type", "EC:prime256v1", "--label", "wrong", "--id", "08")
    good(anchorhold("init-ca", "Old", "CN=Root", "--adopt", "--key-label=theirs", "--out=root.pem"))
    monkeypatch.setenv("ANCHORHOLD_DATABASE", f"sqlite:///{tmp_path}/elsewhere.sqlite3")
    refused(anchorhold("import-ca", "New", "root.pem", "--adopt", "--key-label=wrong"), errors.KeyMismatchError)
    good(anchorhold("import-ca", "New", "root.pem", "--adopt", "--key-label=theirs"))
    good(anchorhold("sign-cert", "--ca=New", f"--csr={csr_file}", "--alt=a.example", "--out=cert.pem"))
    openssl("verify", "-x509_strict", "-CAfile", "root.pem", "cert.pem")


@pytest.mark.parametrize("end", ["--finish", "--abandon"])
def test_a_key_left_by_a_process_that_was_killed_is_finished_or_destroyed(
    configured: SoftHsm, anchorhold: Command, database: str, end: str
) -> None:
    script = (
        "import os, signal, sys\n"
        "from anchorhold_hsm import key_store\n"
        "key_store._created = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from anchorhold.cli import main\n"
        "sys.argv = ['anchorhold', 'init-ca', 'Root', 'CN=Root']\n"
        "main()\n"
    )
    killed = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False, timeout=30)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert configured.private_labels() == ["Root"]
    good(anchorhold("recover", end, "Root"))
    assert configured.objects() == (2 if end == "--finish" else 0)
    assert "No interrupted operations" in good(anchorhold("recover")).talk


@pytest.mark.parametrize("alias", ["default", "again"])
def test_a_key_that_another_authority_has_adopted_is_not_destroyed_with_who_made_it(
    softhsm: SoftHsm, anchorhold: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alias: str
) -> None:
    sections = [settings(softhsm, name, more='user_pin = "1234"') for name in ("default", "again")]
    configure(tmp_path, monkeypatch, *sections)
    _killed(softhsm, "key_store._created = lambda *_: os.kill(os.getpid(), signal.SIGKILL)")
    flag = "--key-label" if alias == "default" else f"--{alias}-key-label"
    good(anchorhold("init-ca", "Heir", "CN=Heir", f"--key-backend={alias}", "--adopt", f"{flag}=Root"))
    refused(anchorhold("recover", "--abandon=Root"), errors.KeyMismatchError, "'Heir'")
    assert "usable" in good(anchorhold("view-ca", "Heir")).text


def test_a_key_that_is_being_destroyed_is_not_adopted(configured: SoftHsm, anchorhold: Command, database: str) -> None:
    _killed(configured, "key_store._created = lambda *_: os.kill(os.getpid(), signal.SIGKILL)")
    doomed = "from anchorhold.plugin.key_backend import KeyBackend\n"
    doomed += "KeyBackend.delete_key = lambda *_: os.kill(os.getpid(), signal.SIGKILL)"
    _killed(configured, doomed, "recover", "--abandon=Root")
    adopt = ("init-ca", "Heir", "CN=Heir", "--adopt", "--key-label=Root")
    refused(anchorhold(*adopt), errors.BusyError, "was being destroyed")
    good(anchorhold("recover", "--abandon=Root"))
    assert configured.objects() == 0


def _killed(softhsm: SoftHsm, change: str, *arguments: str) -> None:
    """Run a command that a change of the program kills."""
    words = ["anchorhold", *(arguments or ("init-ca", "Root", "CN=Root"))]
    script = (
        f"import os, signal, sys\nfrom anchorhold_hsm import key_store\n{change}\n"
        f"from anchorhold.cli import main\nsys.argv = {words!r}\nmain()\n"
    )
    killed = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False, timeout=30)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
