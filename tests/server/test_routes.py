"""Revocation lists, certificates of issuers, TLS, and what the server says of itself."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import ssl
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from anchorhold import software_keys
from anchorhold.algorithms import key_spec
from anchorhold.audit import Actor
from anchorhold.ledger import IssuancePolicy
from anchorhold_server.runtime_dir import ensure_dir
from anchorhold_server.socket_timeouts import OPTION
from programs import openssl
from server.serving import HOSTNAME, House, Server, running, until

if TYPE_CHECKING:
    from conftest import Command

sqlite_only = pytest.mark.databases("sqlite", because="it does not depend on the ledger")


def urls_in(certificate: x509.Certificate) -> dict[str, str]:
    """The paths that a certificate names: of OCSP, of its issuer, of the CRL."""
    access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    found = {description.access_method._name: description.access_location.value for description in access}
    (point,) = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    assert point.full_name is not None
    found["crl"] = point.full_name[0].value
    prefix = f"http://{HOSTNAME}"
    assert all(url.startswith(prefix) for url in found.values())
    return {name: url.removeprefix(prefix) for name, url in found.items()}


def test_every_url_in_a_certificate_is_served(house: House, server: Server) -> None:
    urls = urls_in(house.leaf)
    issuer = server.client.get(urls["caIssuers"])
    assert issuer.headers["content-type"] == "application/pkix-cert"
    assert issuer.content == house.authority.certificate.public_bytes(Encoding.DER)
    crl = server.client.get(urls["crl"])
    assert crl.headers["content-type"] == "application/pkix-crl"
    assert x509.load_der_x509_crl(crl.content).is_signature_valid(house.authority.public_key)
    assert server.client.post(urls["OCSP"], content=b"", headers={"content-type": "application/ocsp-request"}).content


def test_a_new_crl_is_served_at_once_in_both_forms(house: House, server: Server) -> None:
    path = f"/crl/{house.authority.record.serial}"
    before = server.client.get(f"{path}.crl")
    unchanged = server.client.get(f"{path}.crl", headers={"if-none-match": before.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    house.revoke()
    (made,) = house.generate_crls()
    after = server.client.get(f"{path}.crl", headers={"if-none-match": before.headers["etag"]})
    assert after.content == made.der
    assert after.headers["last-modified"] == f"{made.this_update:%a, %d %b %Y %H:%M:%S GMT}"
    assert after.headers["expires"] == f"{made.next_update:%a, %d %b %Y %H:%M:%S GMT}"
    assert int(after.headers["cache-control"].partition("=")[2].partition(",")[0]) <= 3600
    pem = server.client.get(f"{path}.pem")
    assert x509.load_pem_x509_crl(pem.content).public_bytes(Encoding.DER) == made.der
    assert pem.headers["etag"] != after.headers["etag"]
    issuer = server.client.get(f"/issuer/{house.authority.record.serial}.pem").content
    assert x509.load_pem_x509_certificate(issuer) == house.authority.certificate


def test_partial_crls_are_served_and_fit_their_certificates(house: House, server: Server, tmp_path: Path) -> None:
    sharded = IssuancePolicy(hostname=HOSTNAME, crl_shards=3)
    theirs = house.beside("sharded", sharded)
    theirs.generate_crls()
    authority, leaf = theirs.authority, theirs.leaf
    crl = server.client.get(urls_in(leaf)["crl"])
    for name, content in (
        ("leaf", leaf.public_bytes(Encoding.PEM)),
        ("root", authority.certificate.public_bytes(Encoding.PEM)),
        ("crl", x509.load_der_x509_crl(crl.content).public_bytes(Encoding.PEM)),
    ):
        (tmp_path / name).write_bytes(content)
    files = ("-CAfile", tmp_path / "root", "-CRLfile", tmp_path / "crl", tmp_path / "leaf")
    assert "OK" in openssl("verify", "-crl_check", "-extended_crl", *files)
    serial = authority.record.serial
    assert [server.client.get(f"/crl/{serial}/{shard}.crl").status_code for shard in range(4)] == [200] * 3 + [404]


def test_the_list_before_is_kept_and_older_ones_go(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with running(tmp_path) as server:
        for _ in range(5):
            (made,) = house.generate_crls()
            assert server.client.get(f"/crl/{house.authority.record.serial}.crl").content == made.der
        (folder,) = tmp_path.glob("anchorhold-serve-*")
        assert len(list(folder.glob("*.crl"))) == 2
        assert folder.stat().st_mode & 0o777 == 0o700


@sqlite_only
@pytest.mark.parametrize("what", ["files", "folder"])
def test_lists_that_a_system_has_tidied_away_are_fetched_again(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with running(tmp_path) as server:
        paths = [f"/crl/{house.authority.record.serial}.{ending}" for ending in ("crl", "pem")]
        before = [server.client.get(path).content for path in paths]
        (folder,) = tmp_path.glob("anchorhold-serve-*")
        if what == "folder":
            shutil.rmtree(folder)
            assert 'anchorhold_http_responses_total{code="200",endpoint="crl"}' in server.client.get("/metrics").text
        for file in folder.glob("*.[cp][re][lm]"):
            file.unlink()
        assert [server.client.get(path).content for path in paths] == before
        assert folder.stat().st_mode & 0o777 == 0o700
        time.sleep(1.2)  # the counters are written once a second


def test_a_folder_that_somebody_else_has_made_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ensure_dir(tmp_path / "own")
    ensure_dir(tmp_path / "own")
    (tmp_path / "link").symlink_to(tmp_path / "own")
    with pytest.raises(PermissionError):
        ensure_dir(tmp_path / "link")
    monkeypatch.setattr("os.geteuid", lambda: os.getuid() + 1)
    with pytest.raises(PermissionError):
        ensure_dir(tmp_path / "own")


def add_large_crl(house: House) -> str:
    """A list of 20 MB; returns its path."""
    with house.opened() as installation:
        ledger = installation.ledger
        state = ledger.crls.state(house.authority.record.id, None)
        assert state is not None
        large = replace(state, number=state.number + 1, parts=(state.number + 1,))
        with ledger.transaction():
            ledger.crls.add(house.authority.record.id, large, head=b"begin", entries=bytes(20_000_000), tail=b"end")
            ledger.events.append("crl-made", "root")
    return f"/crl/{house.authority.record.serial}.crl"


@sqlite_only
def test_a_large_crl_for_many_slow_readers_needs_little_memory(house: House, server: Server) -> None:
    path = add_large_crl(house)
    assert len(server.client.get(path).content) == 20_000_008
    before = server.memory()
    with contextlib.ExitStack() as slow:
        for _ in range(30):
            connection = slow.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=5))
            connection.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
            assert connection.recv(12) == b"HTTP/1.1 200"
        assert server.status(house.request()) == "GOOD"
        assert server.memory() - before < 150  # 30 copies would be 600


@sqlite_only
@pytest.mark.skipif(OPTION is None, reason="this system does not offer it")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_readers_that_take_nothing_are_given_up(house: House, tmp_path: Path, workers: str) -> None:
    with running(tmp_path, "--request-timeout", "1", "--workers", workers) as server, contextlib.ExitStack() as slow:
        path = add_large_crl(house)
        server.client.get("/healthz")
        for _ in range(20):
            connection = slow.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=5))
            connection.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
        until(lambda: open_connections(server) >= 20)
        until(lambda: open_connections(server) <= 1, 15)  # that of the client may be open
        assert len(server.client.get(path).content) == 20_000_008


@sqlite_only
@pytest.mark.skipif(OPTION is None, reason="this system does not offer it")
def test_who_takes_no_answers_is_given_up_though_each_is_small(house: House, tmp_path: Path) -> None:
    """A client sends request after request, and reads nothing."""
    head = b"POST /ocsp HTTP/1.1\r\nhost: x\r\ncontent-type: application/ocsp-request\r\ncontent-length: %d\r\n\r\n"
    many = (head % len(house.request()) + house.request()) * 100
    with running(tmp_path, "--request-timeout", "1") as server:
        with (
            socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection,
            pytest.raises((ConnectionResetError, BrokenPipeError)),
        ):
            send_without_end(connection, many)
        assert server.status(house.request()) == "GOOD"


def send_without_end(connection: socket.socket, what: bytes) -> None:
    """Until that fails, or for half a minute."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        connection.sendall(what)


def open_connections(server: Server) -> int:
    """How many there are to it."""
    entries = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
    return sum(entry[1].endswith(f":{server.port:04X}") and entry[3] == "01" for entry in entries)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/crl/",
        "/crl/00.crl",
        "/crl/{serial}",
        "/crl/{serial}.der",
        "/crl/{serial}/0.crl",
        "/crl/{serial}/-1.crl",
        "/crl/{serial}/99999999999999999999.crl",
        "/crl/../../etc/passwd",
        "/issuer/{serial}.crl",
        "/docs",
    ],
)
def test_other_paths_are_not_found(standing_house: House, standing_server: Server, path: str) -> None:
    answer = standing_server.client.get(path.format(serial=standing_house.authority.record.serial))
    assert answer.status_code == 404
    assert "Traceback" not in answer.text


def test_metrics_are_what_prometheus_reads(house: House, server: Server) -> None:
    server.status(house.request())
    server.status(house.request())
    server.ask(b"garbage")
    server.client.get(f"/crl/{house.authority.record.serial}.crl")
    answer = server.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r'[a-z_]+(\{([a-z_]+="[^"\n]*",?)+\})? [0-9.e+]+', line) for line in lines)
    values = {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}
    assert values['anchorhold_ocsp_responses_total{outcome="good"}'] == 2
    assert values["anchorhold_ocsp_cache_hits_total"] == 1
    assert values['anchorhold_ocsp_responses_total{outcome="malformed_request"}'] == 1
    assert values['anchorhold_signatures_total{backend="default",ca="root"}'] == 1
    assert values['anchorhold_http_responses_total{code="200",endpoint="crl"}'] == 1
    assert values['anchorhold_authority_ready{ca="root"}'] == 1
    assert values["anchorhold_ledger_reachable"] == 1


def test_workers_that_share_the_ledger_are_shown(house: House, server: Server) -> None:
    assert "anchorhold_worker" not in server.client.get("/metrics").text
    with house.opened() as installation:
        installation.workers.begin("strongroom", ["default"])
        installation.workers.see("strongroom", signed=True)
        web = Actor("peer", "web", "strongroom")
        installation.as_actor(web).signing.record_refusal("sign", "too-late")
        (worker,) = installation.workers.list()
    assert worker.signed_at is not None
    lines = server.client.get("/metrics").text.splitlines()
    about = f'host="{worker.host}",version="{worker.version}",worker="strongroom"'
    assert f"anchorhold_worker_running{{{about}}} 1.0" in lines
    assert 'anchorhold_worker_refusals{peer="web",purpose="sign",reason="too-late"} 1.0' in lines
    for name, moment in (("seen", worker.seen_at), ("signed", worker.signed_at)):
        (line,) = (line for line in lines if line.startswith(f"anchorhold_worker_{name}_timestamp_seconds{{"))
        assert float(line.split()[-1]) == moment.timestamp()


def test_moments_are_shown_as_timestamps_for_each_authority(house: House, server: Server) -> None:
    with house.opened() as installation:
        crl = installation.crls.latest(house.authority)
    responder = house.responder()
    assert crl is not None
    assert responder.not_after is not None
    theirs = house.beside("bare")
    theirs.generate_crls()
    shown = server.client.get("/metrics").text
    values = dict(line.rsplit(" ", 1) for line in shown.splitlines() if "_timestamp_seconds{" in line)
    assert {name: float(value) for name, value in values.items() if 'ca="root"' in name} == {
        f'anchorhold_{name}_timestamp_seconds{{ca="root"}}': moment.timestamp()
        for name, moment in {
            "ca_certificate_not_after": house.authority.certificate.not_valid_after_utc,
            "responder_certificate_not_after": responder.not_after,
            "crl_this_update": crl.this_update,
            "crl_next_update": crl.next_update,
        }.items()
    }
    assert {name for name in values if 'ca="bare"' in name} == {
        f'anchorhold_{name}_timestamp_seconds{{ca="bare"}}'
        for name in ("ca_certificate_not_after", "crl_this_update", "crl_next_update")
    }


def test_scrapers_that_ask_for_openmetrics_get_it(standing_server: Server) -> None:
    answer = standing_server.client.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert answer.text.endswith("# EOF\n")


def test_it_says_when_all_is_well(house: House, server: Server) -> None:
    assert server.client.get("/healthz").text == "ok\n"
    status, health = server.ready()
    assert (status, health["ready"], health["ledger"]) == (200, True, "reachable")
    (authority,) = health["authorities"]
    assert (authority["name"], authority["problems"]) == ("root", [])


@sqlite_only
def test_its_log_is_one_object_a_line_and_names_no_secret(house: House, server: Server) -> None:
    server.status(house.request())
    with house.opened() as installation:
        secrets = installation.ledger.responders.secrets(house.responder().id).values()
    assert {"time", "level", "logger", "process", "message"} <= set(server.log()[0])
    assert secrets
    assert not any(secret.reveal() in server.log_file.read_text() for secret in secrets)


@sqlite_only
def test_it_speaks_tls(house: House, tmp_path: Path) -> None:
    key = software_keys.generate(key_spec("EC"))
    certificate = house.sign("IP:127.0.0.1", key)
    files = {
        "tls.pem": certificate.public_bytes(Encoding.PEM),
        "tls.key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "root.pem": house.authority.certificate.public_bytes(Encoding.PEM),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    options = ("--tls-certificate", str(tmp_path / "tls.pem"), "--tls-key", str(tmp_path / "tls.key"))
    with running(tmp_path, *options, scheme="https") as server:
        trusted = ssl.create_default_context(cafile=str(tmp_path / "root.pem"))
        trusted.verify_flags &= ~ssl.VERIFY_X509_STRICT
        with httpx.Client(verify=trusted, trust_env=False) as client:
            assert client.get(f"https://127.0.0.1:{server.port}/healthz").text == "ok\n"
        assert server.status(house.request()) == "GOOD"


@pytest.mark.parametrize("options", [("--tls-key", "x.key"), ("--tls-certificate", "x.pem", "--tls-key", "x.pem")])
@sqlite_only
def test_a_certificate_that_cannot_be_used_is_refused_with_a_sentence(
    house: House, anchorhold: Command, options: tuple[str, ...]
) -> None:
    refused = anchorhold("serve", *options)
    assert refused.exit_code == 40
    assert refused.talk.startswith("anchorhold: TLS: ")


@pytest.mark.parametrize(
    "kind", ["EC -pkeyopt ec_paramgen_curve:P-521", "EC -pkeyopt ec_paramgen_curve:secp256k1", "ED448", "RSA-PSS"]
)
@sqlite_only
def test_a_key_that_openssl_takes_and_the_server_does_not_is_refused_with_a_sentence(
    house: House, anchorhold: Command, tmp_path: Path, kind: str
) -> None:
    key, certificate = tmp_path / "odd.key", tmp_path / "odd.pem"
    openssl("genpkey", "-algorithm", *kind.split(), "-out", key)
    openssl("req", "-x509", "-new", "-key", key, "-subj", "/CN=odd", "-out", certificate)
    refused = anchorhold("serve", "--tls-certificate", str(certificate), "--tls-key", str(key))
    assert refused.exit_code == 40
    assert f"TLS: {key} cannot be used (keys of its kind are not offered for HTTPS); give an ECDSA key" in refused.talk
