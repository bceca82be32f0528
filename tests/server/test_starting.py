"""From an empty installation to answers by commands alone; and what cannot work is refused at once, with a sentence."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509

from anchorhold.cli.command_builder import build_command
from anchorhold.cli.global_options import GlobalOptions
from anchorhold.errors import PluginMissingError
from anchorhold.installation import open_installation
from anchorhold_server.authority_snapshot import take_snapshot
from anchorhold_server.components import Components
from cli.cli_steps import good
from downstream.wheel_environment import REPOSITORY
from server.serving import HOSTNAME, House, Server, free_port, running

if TYPE_CHECKING:
    from anchorhold_server.authority_snapshot import AuthoritySnapshot
    from conftest import Command
    from downstream.wheel_environment import Downstream

sqlite_only = pytest.mark.databases("sqlite", because="it is about processes and files, not about the ledger")


def test_the_commands_of_the_readme_lead_to_answers(anchorhold: Command, csr_file: Path, tmp_path: Path) -> None:
    good(anchorhold("init-ca", "issuing", "CN=Issuing CA", "--hostname", HOSTNAME))
    good(anchorhold("maintain"))
    good(anchorhold("sign-cert", "--ca=issuing", f"--csr={csr_file}", "--alt=a.example", "--out=leaf.pem"))
    leaf = x509.load_pem_x509_certificate((tmp_path / "leaf.pem").read_bytes())
    with open_installation() as installation:
        house = House(installation.authorities.get("issuing"), leaf)
    with running(tmp_path) as server:
        assert server.ready()[0] == 200
        assert server.status(house.request()) == "GOOD"
        good(anchorhold("revoke-cert", house.serial))
        assert server.status(house.request()) == "REVOKED"
        good(anchorhold("generate-crls"))
        crl = server.client.get(f"/crl/{house.authority.record.serial}.crl").content
        assert x509.load_der_x509_crl(crl).get_revoked_certificate_by_serial_number(leaf.serial_number) is not None


@pytest.mark.databases(because="help opens no ledger")
def test_its_help_says_what_it_needs_and_where_it_answers(anchorhold: Command) -> None:
    shown = " ".join(anchorhold("serve", "--help").text.split())
    for said in ("anchorhold maintain", "never the CA keys", "/ocsp", "--workers", "--tls-certificate"):
        assert said in shown


@pytest.mark.databases(because="no ledger is opened")
def test_every_option_has_a_help_text_and_is_in_the_readme() -> None:
    options = [option for option in build_command("serve", GlobalOptions()).params if "--help" not in option.opts]
    assert all(getattr(option, "help", None) for option in options)
    readme = (REPOSITORY / "plugins" / "server" / "README.md").read_text()
    table = readme[readme.index("## Options") : readme.index("## OCSP")]
    assert set(re.findall(r"`(--[a-z-]+)`", table)) == {flag for option in options for flag in option.opts}


@pytest.mark.slow(because="an environment of its own")
@pytest.mark.databases(because="it does not come as far as to a ledger")
def test_where_it_is_not_installed_the_command_says_what_to_install(downstream: Downstream, tmp_path: Path) -> None:
    with zipfile.ZipFile(downstream.wheels["anchorhold"]) as core:
        core.extractall(tmp_path)
    found = Path(os.pathsep.join(map(str, (tmp_path, downstream.folder.parent / "dependencies"))))
    refused = downstream.python("-S", "-m", "anchorhold", "serve", "--port", str(free_port()), path=found)
    assert refused.exit_code == PluginMissingError.exit_code
    assert "serve: is not installed" in refused.talk
    assert "pip install anchorhold-server" in refused.talk


@sqlite_only
def test_a_port_that_is_taken_is_refused_with_a_sentence(house: House, server: Server, anchorhold: Command) -> None:
    refused = anchorhold("serve", "--port", str(server.port))
    assert refused.exit_code == 40
    assert f"127.0.0.1 port {server.port}: cannot be listened on (Address already in use); choose" in refused.talk


@sqlite_only
def test_it_listens_on_a_name(house: House, tmp_path: Path) -> None:
    with running(tmp_path, "--host", "localhost") as server:
        assert server.status(house.request()) == "GOOD"


@sqlite_only
@pytest.mark.parametrize("host", ["no-such-host.invalid", "192.0.2.1", "a" * 80, ""])
def test_a_name_or_address_of_elsewhere_is_refused_with_a_sentence(
    house: House, anchorhold: Command, host: str
) -> None:
    refused = anchorhold("serve", "--host", host, "--port", str(free_port()))
    assert refused.exit_code == 40
    assert "cannot be listened on" in refused.talk


@sqlite_only
def test_a_ledger_that_cannot_be_opened_stops_it_at_once(tmp_path: Path, ca_dir: Path, database: str) -> None:
    ca_dir.mkdir()
    (ca_dir / "ledger.sqlite3").write_bytes(b"not a database" * 100)
    command = [sys.executable, "-m", "anchorhold", "serve", "--port", str(free_port())]
    done = subprocess.run(command, capture_output=True, timeout=20, check=False)
    assert done.returncode in (60, 62)
    assert b"Traceback" not in done.stderr


@sqlite_only
def test_settings_without_the_backend_of_a_responder_stop_it_at_once(
    house: House, anchorhold: Command, tmp_path: Path, ca_dir: Path
) -> None:
    settings = tmp_path / "other.toml"
    settings.write_text(f'ca_dir = "{ca_dir}"\n[ocsp_key_backends.other]\nbackend = "storages"\n')
    refused = anchorhold("--config", str(settings), "serve", "--port", str(free_port()))
    assert refused.exit_code == 11
    assert "ocsp_key_backends: no alias 'default' is configured" in refused.talk


@sqlite_only
def test_what_takes_long_at_the_start_is_waited_for(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a busy machine the first look at everything takes longer than any later one."""

    def slowly(*arguments: Any) -> AuthoritySnapshot:
        time.sleep(0.8)
        return take_snapshot(*arguments)

    async def scenario(threads: ThreadPoolExecutor) -> None:
        snapshots = Components.of(installation, tmp_path, threads).snapshots
        assert house.authority.record.serial in (await snapshots.current()).served
        await asyncio.sleep(3)
        await asyncio.to_thread(house.revoke)  # as another process does
        with pytest.raises(TimeoutError):
            await snapshots.current()

    monkeypatch.setattr("anchorhold_server.snapshot_source.take_snapshot", slowly)
    monkeypatch.setattr("anchorhold_server.timeouts.OPERATION_TIMEOUT", 0.3)
    monkeypatch.setattr("anchorhold_server.timeouts.STARTUP_PERIOD", 3.0)
    with house.opened() as installation, ThreadPoolExecutor(1) as threads:
        asyncio.run(scenario(threads))
        threads.submit(installation.ledger.close).result(10)  # the connection of that thread
