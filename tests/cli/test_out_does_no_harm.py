"""Files that commands write: what is there is not harmed, and what is no regular file is written into."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates

from anchorhold import errors, software_keys
from anchorhold.algorithms import key_spec
from anchorhold.cli.command_builder import build_command
from anchorhold.cli.command_table import COMMANDS
from anchorhold.cli.global_options import GlobalOptions
from anchorhold.cli.protected_files import INSPECTED_OCTETS
from cli.cli_steps import good, left_behind, refused, settings_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Command, MakeCsr

pytestmark = pytest.mark.databases("sqlite", because="it is about files")

WRITERS: Final = {
    "view-ca": ("view-ca", "Root", "-f", "pem", "--out={out}"),
    "view-cert": ("view-cert", "{serial}", "-f", "pem", "--out={out}"),
    "dump-crl": ("dump-crl", "Root", "--out={out}"),
    "sign-cert": ("sign-cert", "--ca=Root", "--csr=request.csr", "--alt=a.example", "--out={out}"),
    "init-ca": ("init-ca", "Sub", "CN=Sub", "--parent=Root", "--out={out}"),
    "init-ca --csr-out": ("init-ca", "Far", "CN=Far", "--csr-out={out}"),
    "import-ca": ("import-ca", "Old", "old.key", "old.pem", "--out={out}"),
}
"""Every option by which a command is told where to write what it shows."""
MAKERS: Final = {
    "config init PATH": ("config", "init", "{out}"),
    "new-backend --folder": ("new-backend", "acme", "--folder={out}"),
    "new-wrapper --folder": ("new-wrapper", "acme", "--folder={out}"),
}
"""Every one by which it is told where to make what must not be there yet."""
READ: Final = {
    "advise --cert",
    "advise --key",
    "import-ca KEY",
    "import-ca CERTIFICATE",
    "import-ca --signed",
    "sign-cert --csr",
    "import-cert CERTIFICATE",
    "serve --tls-certificate",
    "serve --tls-key",
    "desk --tls-certificate",
    "desk --tls-key",
}
"""Those that name what is only read."""
IN_STORAGE: Final = {"init-ca --path", "import-ca --path", "move-key --path"}
"""Those that name a place for a key in a storage, which never writes over one."""
SOCKETS: Final = {"desk --socket"}
"""Those that name a place for a socket, which takes that of another socket alone."""
PRE_SIGNED: Final = {f"generate-ocsp-responses {option}" for option in ("--to", "--nginx", "--caddy")}
"""Those that write OCSP responses and what belongs to them; ``tests/presigned`` tries them."""


def _of_files(names: tuple[str, ...], command: Any) -> Iterator[str]:
    """The parameters of a command that have to do with files, by what they are, are called, or say of themselves."""
    for name, subcommand in getattr(command, "commands", {}).items():
        yield from _of_files((*names, name), subcommand)
    for parameter in getattr(command, "params", ()):
        flag = parameter.opts[0] if parameter.opts[0].startswith("-") else parameter.opts[0].upper()
        about = f"{parameter.metavar or ''} {parameter.help or ''}"
        is_path = "Path" in str(getattr(parameter.type_descriptor, "annotation", ""))
        told = re.search(r"\b(files?|folders?|write)\b", about, re.IGNORECASE)
        if is_path or (told and not getattr(parameter, "is_flag", False) and "SECRET" not in about):
            yield f"{' '.join(names)} {flag}"


def test_every_option_that_names_a_file_is_known_here() -> None:
    found = {found for name in COMMANDS for found in _of_files((name,), build_command(name, GlobalOptions()))}
    written = {name if " " in name else f"{name} --out" for name in WRITERS}
    assert found == written | MAKERS.keys() | READ | IN_STORAGE | SOCKETS | PRE_SIGNED, (
        "a new one needs a row in one of these tables"
    )


@pytest.mark.parametrize("command", MAKERS)
def test_what_must_not_be_there_yet_is_made_nowhere_else(
    command: str, prepared: Command, tmp_path: Path, make_csr: MakeCsr
) -> None:
    (tmp_path / "mine.csr").write_bytes(make_csr())
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine").touch()
    (tmp_path / "link").symlink_to("old.key")
    (tmp_path / "nowhere").symlink_to("not-there")
    (tmp_path / "linked").symlink_to("ca/ca")
    key = next((tmp_path / "ca").rglob("*.key"))
    before = left_behind(tmp_path)
    places = ("mine.csr", "old.key", "link", "nowhere", "full", "ca/ledger.sqlite3", key, key.parent / "new")
    for place in (*places, "linked/new", "ca/ca/deep/new", "old.key/new"):
        refused(prepared(*_line(command, place, prepared)), errors.OutputError, str(place))
    assert left_behind(tmp_path) == before
    devices = ("/dev/null",) if command.startswith("new") else ()  # settings are written into what is no file
    for device in devices:
        refused(prepared(*_line(command, device, prepared)), errors.OutputError, device)


@pytest.mark.parametrize("command", MAKERS)
def test_settings_that_cannot_be_read_keep_nobody_from_making_others(
    command: str, anchorhold: Command, tmp_path: Path
) -> None:
    settings_file(tmp_path, "this = is not TOML")
    line = tuple(part.format(out="new") for part in MAKERS[command])
    before = (tmp_path / "config.toml").read_bytes()
    good(anchorhold("--config", "config.toml", *line))
    assert (tmp_path / "new").exists()
    assert (tmp_path / "config.toml").read_bytes() == before


def test_an_empty_folder_becomes_that_of_a_backend_and_keeps_its_mode(anchorhold: Command, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real").chmod(0o2750)
    (tmp_path / "link").symlink_to("real")
    inode = (tmp_path / "real").stat().st_ino
    good(anchorhold("new-backend", "acme", "--folder=link"))
    assert (tmp_path / "link").is_symlink()
    made = (tmp_path / "real").stat()
    assert (made.st_mode & 0o7777, made.st_ino) == (0o2750, inode)
    assert sorted(path.name for path in (tmp_path / "real").iterdir()) == [
        "README.md",
        "pyproject.toml",
        "src",
        "tests",
    ]


def test_a_folder_that_will_hold_keys_is_no_place_for_a_package(anchorhold: Command, tmp_path: Path) -> None:
    refused(anchorhold("new-backend", "acme", "--folder=ca"), errors.OutputError, "keys, the ledger")
    refused(anchorhold("new-backend", "acme", "--folder=ca/ca"), errors.OutputError, "folder of private keys")
    assert not (tmp_path / "ca").exists()


@pytest.fixture
def prepared(anchorhold: Command, tmp_path: Path, csr_file: Path) -> Command:
    """An authority with a CRL, a request, and the files of another authority."""
    good(anchorhold("init-ca", "Root", "CN=Root", "--path-length=1"))
    good(anchorhold("generate-crls"))
    csr_file.rename(tmp_path / "request.csr")
    command = ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout", "old.key", "-out", "old.pem"]
    subprocess.run([*command, "-subj", "/CN=Old", "-addext", "keyUsage=keyCertSign,cRLSign"], check=True)
    return anchorhold


def _line(command: str, out: Path | str, anchorhold: Command) -> tuple[str, ...]:
    serial = good(anchorhold("list-cas", "-f", "json")).text.split('"serial": "')[1].partition('"')[0]
    return tuple(part.format(out=out, serial=serial) for part in (WRITERS | MAKERS)[command])


@pytest.mark.parametrize("command", WRITERS)
def test_a_hyphen_is_standard_output(command: str, prepared: Command, tmp_path: Path) -> None:
    outcome = good(prepared(*_line(command, "-", prepared)))
    assert outcome.data.startswith(b"-----BEGIN ")
    assert not (tmp_path / "-").exists()


@pytest.mark.parametrize("command", WRITERS)
def test_links_are_followed_and_modes_are_kept(command: str, prepared: Command, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    real, link = tmp_path / "real/result", tmp_path / "link"
    real.write_bytes(b"older")
    real.chmod(0o604)
    link.symlink_to("real/result")
    good(prepared(*_line(command, link, prepared)))
    assert link.is_symlink()
    assert real.read_bytes().startswith(b"-----BEGIN ")
    assert real.stat().st_mode & 0o777 == 0o604
    assert [entry.name for entry in real.parent.iterdir()] == ["result"]


@pytest.mark.parametrize("command", WRITERS)
def test_what_is_no_regular_file_is_written_into(command: str, prepared: Command, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with subprocess.Popen(["cat", fifo], stdout=subprocess.PIPE) as reader:
        good(prepared(*_line(command, fifo, prepared)))
        assert reader.stdout is not None
        assert reader.stdout.read().startswith(b"-----BEGIN ")
    assert fifo.is_fifo()


def test_a_device_stays_one(prepared: Command) -> None:
    before = Path(os.devnull).stat()
    good(prepared("view-ca", "Root", "--out=/dev/null"))
    assert os.path.samestat(Path(os.devnull).stat(), before)


def test_a_link_to_what_is_not_there_yet_leads_to_the_new_file(prepared: Command, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("new")
    good(prepared("view-ca", "Root", "--out=link"))
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "new").is_file()


def test_all_names_of_a_file_have_the_new_content(prepared: Command, tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"older, and longer than what comes" * 1000)
    os.link(tmp_path / "one", tmp_path / "two")
    good(prepared("view-ca", "Root", "-f", "der", "--out=one"))
    assert (tmp_path / "two").read_bytes() == good(prepared("view-ca", "Root", "-f", "der")).data


@pytest.mark.parametrize("place", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_standard_output_by_another_name_is_written_behind_what_is_there(
    place: str, prepared: Command, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "anchorhold", "view-ca", "Root", "-f", "pem", f"--out={place}"]
    with (tmp_path / "log").open("wb") as log:
        log.write(b"before\n")
        log.flush()
        subprocess.run(command, stdout=log, check=True)
    assert (tmp_path / "log").read_bytes() == b"before\n" + good(prepared("view-ca", "Root", "-f", "pem")).data


def _private(form: PrivateFormat, encoding: Encoding, *, encrypted: bool = False) -> bytes:
    key = software_keys.generate(key_spec("RSA", 2048))
    return key.private_bytes(encoding, form, BestAvailableEncryption(b"word") if encrypted else NoEncryption())


def _pkcs12() -> bytes:
    key = software_keys.generate(key_spec("EC"))
    return serialize_key_and_certificates(b"", key, None, None, BestAvailableEncryption(b"word"))  # type: ignore[arg-type]


PRIVATE: Final[dict[str, Callable[[], bytes]]] = {
    "PKCS#8": lambda: _private(PrivateFormat.PKCS8, Encoding.PEM),
    "PKCS#8, DER": lambda: _private(PrivateFormat.PKCS8, Encoding.DER),
    "PKCS#8, encrypted": lambda: _private(PrivateFormat.PKCS8, Encoding.PEM, encrypted=True),
    "PKCS#8, DER, encrypted": lambda: _private(PrivateFormat.PKCS8, Encoding.DER, encrypted=True),
    "PKCS#1": lambda: _private(PrivateFormat.TraditionalOpenSSL, Encoding.PEM),
    "PKCS#1, DER": lambda: _private(PrivateFormat.TraditionalOpenSSL, Encoding.DER),
    "OpenSSH": lambda: _private(PrivateFormat.OpenSSH, Encoding.PEM),
    "PKCS#12": _pkcs12,
    "SEC 1, DER": lambda: software_keys.generate(key_spec("EC")).private_bytes(
        Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    ),
    "a bundle": lambda: b"-----BEGIN CERTIFICATE-----\n" + _private(PrivateFormat.PKCS8, Encoding.PEM),
    "UTF-16": lambda: _private(PrivateFormat.PKCS8, Encoding.PEM).decode().encode("utf-16"),
    "JWK": lambda: b'{"kty": "OKP", "d": "AAAA"}',
    "base64": lambda: base64.encodebytes(_private(PrivateFormat.PKCS8, Encoding.DER)),
    "age": lambda: b"# made today\nAGE-SECRET-KEY-1AAAA\n",
    "behind much else": lambda: bytes(INSPECTED_OCTETS - 9) + _private(PrivateFormat.PKCS8, Encoding.PEM),
    "Java": lambda: bytes.fromhex("feedfeed00000002"),
}


@pytest.mark.parametrize("kind", PRIVATE)
def test_a_private_key_is_not_written_over(kind: str, prepared: Command, tmp_path: Path) -> None:
    content = PRIVATE[kind]()
    (tmp_path / "mine").write_bytes(content)
    refused(prepared("view-ca", "Root", "--out=mine"), errors.OutputError, "mine", "private key")
    assert (tmp_path / "mine").read_bytes() == content


@pytest.mark.parametrize("command", WRITERS)
def test_nothing_is_done_where_the_result_would_do_harm(
    command: str, prepared: Command, tmp_path: Path, make_csr: MakeCsr
) -> None:
    (tmp_path / "mine.csr").write_bytes(make_csr())
    (tmp_path / "link").symlink_to("old.key")
    key = next((tmp_path / "ca").rglob("*.key"))
    places = ("mine.csr", "old.key", "link", "ca/ledger.sqlite3", "ca/ledger.sqlite3-wal", key, key.parent / "new", ".")
    before = left_behind(tmp_path)
    for place in places:
        refused(prepared(*_line(command, place, prepared)), errors.OutputError, str(place))
    assert left_behind(tmp_path) == before


def test_a_request_in_der_is_not_written_over(prepared: Command, tmp_path: Path) -> None:
    subprocess.run(["openssl", "req", "-in", "request.csr", "-outform", "der", "-out", "der.csr"], check=True)
    refused(prepared("view-ca", "Root", "--out=der.csr"), errors.OutputError, "der.csr", "request")


def test_the_settings_and_their_secrets_are_not_written_over(prepared: Command, tmp_path: Path) -> None:
    (tmp_path / "pin").write_text("1234")
    path = settings_file(
        tmp_path, '[key_backends.default]\nbackend = "storages"\noptions = { password = { file = "pin" } }\n'
    )
    named = ("--config", str(path))
    refused(prepared(*named, "view-ca", "Root", f"--out={path}"), errors.OutputError, "settings file")
    refused(prepared(*named, "view-ca", "Root", "--out=pin"), errors.OutputError, "pin", "secret")
    refused(
        prepared(*named, "init-ca", "New", "CN=New", "--out=ca/ca/new.pem"),
        errors.OutputError,
        "folder of private keys",
    )


def test_another_name_of_a_file_that_is_kept_is_known(prepared: Command, tmp_path: Path) -> None:
    (tmp_path / "pin").write_text("1234")
    path = settings_file(
        tmp_path, '[key_backends.default]\nbackend = "storages"\noptions = { password = { file = "pin" } }\n'
    )
    for kept, reason in (
        (tmp_path / "pin", "secret"),
        (path, "settings file"),
        (tmp_path / "ca/ledger.sqlite3", "ledger"),
    ):
        (tmp_path / "other").hardlink_to(kept)
        before = kept.read_bytes()
        refused(prepared("--config", str(path), "view-ca", "Root", "--out=other"), errors.OutputError, "other", reason)
        assert kept.read_bytes() == before
        (tmp_path / "other").unlink()


def test_files_of_secrets_are_known_wherever_they_are_named(
    prepared: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("pin", "password", "a b"):
        (tmp_path / name).write_text("1234")
    monkeypatch.setenv("ANCHORHOLD_HSM_USER_PIN_FILE", str(tmp_path / "password"))
    uris = (f"pkcs11:token=one?pin-source=file:{tmp_path}/pin", f"pkcs11:token=two?pin-source={tmp_path}/a%20b")
    aliases = [
        f'[key_backends.t{number}]\nbackend = "hsm"\noptions = {{ library_path = "/x.so", uri = "{uri}" }}\n'
        for number, uri in enumerate(uris)
    ]
    path = settings_file(tmp_path, "".join(aliases))
    for name in ("pin", "password", "a b"):
        refused(prepared("--config", str(path), "view-ca", "Root", f"--out={name}"), errors.OutputError, name, "secret")


def test_among_keys_nothing_is_put_whoever_made_them(prepared: Command, tmp_path: Path) -> None:
    settings = '[storages.default]\nbackend = "local"\noptions = { location = "keys" }\n'
    path = settings_file(
        tmp_path, f'{settings}[key_backends.default]\nbackend = "storages"\noptions = {{ path = "." }}\n'
    )
    good(prepared("--config", str(path), "init-ca", "Flat", "CN=Flat"))
    (tmp_path / "token").mkdir()
    (tmp_path / "token/token.object").touch()
    for place in ("keys/new.pem", "token/new.pem"):
        line = ("--config", str(path), "view-ca", "Root", f"--out={place}")
        refused(prepared(*line), errors.OutputError, place, "in a folder with private keys")
        assert not (tmp_path / place).exists()


@pytest.mark.parametrize("form", ["base64", "SPKAC"])
def test_a_request_without_lines_of_pem_is_not_written_over(form: str, prepared: Command, tmp_path: Path) -> None:
    lines = (tmp_path / "request.csr").read_text().splitlines()[1:-1]
    (tmp_path / "mine").write_text("\n".join(lines) if form == "base64" else "SPKAC=MIIB\nCN=x\n")
    refused(prepared("view-ca", "Root", "--out=mine"), errors.OutputError, "mine", "request")


@pytest.mark.parametrize("content", ["correct horse battery staple\n", "1234", "[key_backends.hsm]\nbackend = 'hsm'\n"])
def test_a_file_that_looks_like_a_secret_or_settings_stays(content: str, prepared: Command, tmp_path: Path) -> None:
    """Whether or not the settings and variables of this command name it."""
    (tmp_path / "mine").write_text(content)
    (tmp_path / "mine").chmod(0o600)
    refused(prepared("view-ca", "Root", "--out=mine"), errors.OutputError, "mine", "not overwritten")
    assert (tmp_path / "mine").read_text() == content


def test_a_private_file_with_a_result_is_written_over(prepared: Command, tmp_path: Path) -> None:
    for form in ("pem", "der", "json", "text", "pem"):
        good(prepared("view-ca", "Root", "-f", form, "--out=mine"))
        (tmp_path / "mine").chmod(0o600)


def test_the_ledger_is_kept_free_before_it_is_there(anchorhold: Command, tmp_path: Path) -> None:
    (tmp_path / "ca").mkdir()
    line = ("init-ca", "Root", "CN=Root", "--out=ca/ledger.sqlite3")
    refused(anchorhold(*line), errors.OutputError, "is the ledger")


@pytest.mark.parametrize("form", ["pem", "der", "json", "text"])
def test_a_result_takes_the_place_of_another_one(form: str, prepared: Command, tmp_path: Path) -> None:
    for shown in ("pem", "der", "json", "text", form):
        good(prepared("view-ca", "Root", "-f", shown, "--out=result"))
    good(prepared("dump-crl", "Root", "-f", "der", "--out=result"))
    good(prepared("view-ca", "Root", "-f", form, "--out=result"))
    assert (tmp_path / "result").stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_config_init_writes_to_standard_output_and_into_pipes(anchorhold: Command, tmp_path: Path) -> None:
    outcome = good(anchorhold("config", "init", "-"))
    assert b"[key_backends.default]" in outcome.data
    assert not (tmp_path / "-").exists()
    os.mkfifo(tmp_path / "fifo")
    with subprocess.Popen(["cat", "fifo"], stdout=subprocess.PIPE) as reader:
        good(anchorhold("config", "init", "fifo"))
        assert reader.stdout is not None
        assert reader.stdout.read() == outcome.data


@pytest.mark.parametrize("name", ["a.example.key", "a.example.pem", "root.pem", "issuing.pem"])
def test_quickstart_leaves_links_alone_and_makes_nothing_then(name: str, anchorhold: Command, tmp_path: Path) -> None:
    (tmp_path / name).symlink_to("elsewhere")
    refused(anchorhold("quickstart", "a.example"), errors.OutputError, name)
    assert [entry.name for entry in Path().iterdir()] == [name]
