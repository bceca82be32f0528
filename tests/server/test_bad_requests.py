"""Whatever is sent: an OCSP error or an HTTP 4xx, in time, without a defect, and in bounded memory."""

from __future__ import annotations

import base64
import contextlib
import socket
import time
from typing import TYPE_CHECKING, Final

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anchorhold.x509.ber import read_one, sequence
from anchorhold.x509.der import tlv
from server.serving import REQUEST, SHA1, House, Server, running, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


pytestmark = pytest.mark.databases("sqlite", because="what is refused is not looked up")
FUZZ: Final = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=False
)
READABLE: Final = {"SUCCESSFUL", "MALFORMED_REQUEST", "UNAUTHORIZED"}


@pytest.fixture
def house(standing_house: House) -> House:
    """The house that tests share, for none of these changes anything in it."""
    return standing_house


@pytest.fixture
def server(standing_server: Server) -> Server:
    """The server that tests share."""
    return standing_server


def fits(answer: httpx.Response) -> bool:
    """Whether an answer is what bad input deserves."""
    if answer.status_code == 200:
        return ocsp.load_der_ocsp_response(answer.content).response_status.name in READABLE
    return 400 <= answer.status_code < 500


def mutated(original: bytes, changes: list[tuple[int, int]], cut: int) -> bytes:
    """Octets with some of them changed and the end cut off."""
    changed = bytearray(original)
    for at, value in changes:
        changed[at % len(changed)] = value
    return bytes(changed[: len(changed) - cut])


CHANGES = st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=6)


@FUZZ
@given(garbage=st.binary(max_size=300))
def test_garbage(server: Server, garbage: bytes) -> None:
    assert fits(server.ask(garbage))


@FUZZ
@given(changes=CHANGES, cut=st.integers(0, 40))
def test_real_requests_changed_and_cut(house: House, server: Server, changes: list[tuple[int, int]], cut: int) -> None:
    assert fits(server.ask(mutated(house.request(nonce=b"n" * 32), changes, cut)))


@FUZZ
@given(changes=CHANGES, cut=st.integers(0, 40), tail=st.text(max_size=20))
def test_requests_in_the_path_changed_and_cut(
    house: House, server: Server, changes: list[tuple[int, int]], cut: int, tail: str
) -> None:
    text = base64.b64encode(mutated(house.request(), changes, cut)).decode()
    with contextlib.suppress(httpx.InvalidURL):
        assert fits(server.client.get(f"/ocsp/{text}{tail}"))


@FUZZ
@given(path=st.text(alphabet=st.characters(codec="ascii"), max_size=60))
def test_paths(server: Server, path: str) -> None:
    with contextlib.suppress(httpx.InvalidURL):
        for place in ("/crl/", "/issuer/", "/"):
            assert 200 <= server.client.get(f"{place}{path}").status_code < 500


def numbered(house: House, serial: bytes) -> bytes:
    """A request with those octets as serial number."""
    real = ocsp.load_der_ocsp_request(house.request())
    algorithm = bytes.fromhex("300906052b0e03021a0500")
    hashed = tlv(4, real.issuer_name_hash) + tlv(4, real.issuer_key_hash)
    certificate = tlv(0x30, algorithm + hashed + tlv(2, serial))
    return tlv(0x30, tlv(0x30, tlv(0x30, tlv(0x30, certificate))))


@pytest.mark.parametrize(
    ("serial", "said"),
    [
        (b"\x7f" * 40, {"UNKNOWN"}),
        (b"\x7f" * 1000, {"UNKNOWN"}),
        (b"\x7f" * 2000, {"MALFORMED_REQUEST"}),
        (b"\x00" + b"\xff" * 20, {"UNKNOWN"}),
        (b"\x7f" + b"\xff" * 19, {"UNKNOWN"}),
        (b"\x00", {"UNKNOWN", "MALFORMED_REQUEST"}),
        (b"\xff", {"UNKNOWN", "MALFORMED_REQUEST"}),
        (b"", {"MALFORMED_REQUEST"}),
    ],
    ids=["40 octets", "1000 octets", "2000 octets", "21 octets", "20 octets", "zero", "negative", "empty"],
)
def test_serial_numbers_that_cannot_be(house: House, server: Server, serial: bytes, said: set[str]) -> None:
    assert server.status(numbered(house, serial)) in said


def test_more_than_one_certificate_is_malformed(house: House, server: Server) -> None:
    single = numbered(house, b"\x05")
    one = single[6:]  # Request, within three sequences
    two = tlv(0x30, tlv(0x30, tlv(0x30, one + one)))
    with pytest.raises(NotImplementedError):
        ocsp.load_der_ocsp_request(two)
    assert server.status(two) == "MALFORMED_REQUEST"


def test_a_critical_extension_that_is_not_known_is_malformed(house: House, server: Server) -> None:
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    builder = ocsp.OCSPRequestBuilder().add_certificate(house.leaf, house.authority.certificate, SHA1)
    request = builder.add_extension(unknown, critical=True).build().public_bytes(Encoding.DER)
    assert server.status(request) == "MALFORMED_REQUEST"
    request = builder.add_extension(unknown, critical=False).build().public_bytes(Encoding.DER)
    assert server.status(request) == "GOOD"


@pytest.mark.parametrize(
    ("extensions", "said"),
    [
        ([(b"\x2a\x03\x04", b"\x01\x01\xff")], "MALFORMED_REQUEST"),
        ([(b"\x2a\x03\x04", b"")], "GOOD"),
        ([(b"\x2a\x03\x04", b""), (b"\x2a\x03\x04", b"")], "MALFORMED_REQUEST"),
        ([(bytes.fromhex("2b06010505073001" + "07"), b"")], "GOOD"),
        ([(bytes.fromhex("2b06010505073001" + "07"), b"\x01\x01\xff")], "MALFORMED_REQUEST"),
    ],
    ids=["critical", "not critical", "twice", "service locator", "critical service locator"],
)
def test_extensions_of_a_single_request_are_looked_at_too(
    house: House, server: Server, extensions: list[tuple[bytes, bytes]], said: str
) -> None:
    """RFC 6960, section 4.4: what is critical and not understood must not be ignored; requests go nowhere else."""
    asked = read_one(house.request())
    certificate = asked.member(0).members[-1].member(0).member(0)
    more = (sequence(tlv(6, kind), critical, tlv(4, b"\x05\x00")) for kind, critical in extensions)
    single = sequence(certificate.raw, tlv(0xA0, sequence(*more)))
    assert server.status(sequence(sequence(sequence(single)))) == said


def test_a_hash_that_is_not_known_is_not_answered_for(house: House, server: Server) -> None:
    request = house.request().replace(bytes.fromhex("06052b0e03021a"), bytes.fromhex("06052b0e03021b"))
    assert server.status(request) in {"UNAUTHORIZED", "MALFORMED_REQUEST"}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_not_allowed(server: Server, method: str) -> None:
    answer = server.client.request(method, "/ocsp")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")
    assert server.client.request("POST", "/crl/00.crl").status_code == 405


@pytest.mark.parametrize("media_type", [None, "text/plain", "application/ocsp-response", "application/json"])
def test_other_content_types_are_refused(house: House, server: Server, media_type: str | None) -> None:
    headers = {} if media_type is None else {"content-type": media_type}
    assert server.client.post("/ocsp", content=house.request(), headers=headers).status_code == 415


def test_the_content_type_may_have_parameters_and_capitals(house: House, server: Server) -> None:
    headers = {"content-type": "Application/OCSP-Request; charset=binary"}
    assert server.client.post("/ocsp", content=house.request(), headers=headers).status_code == 200


def chunks(count: int) -> Iterator[bytes]:
    """A body of unknown length, 1 KB at a time."""
    for _ in range(count):
        yield bytes(1024)


@pytest.mark.parametrize("announced", [True, False])
def test_giant_requests_are_refused_before_they_have_arrived(server: Server, announced: bool) -> None:
    body = bytes(50_000_000) if announced else chunks(50_000)
    try:
        status = server.client.post("/ocsp", content=body, headers=REQUEST).status_code
    except httpx.WriteError:  # it has closed the connection
        status = 413
    assert status == 413
    assert server.memory() < 300


def test_giant_paths_are_refused(server: Server) -> None:
    assert server.client.get("/ocsp/" + "A" * 8_000).status_code == 414
    assert 400 <= _status_of(server, b"GET /ocsp/" + b"A" * 100_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n") < 500
    assert server.client.get("/ocsp/").status_code == 400


def _status_of(server: Server, request: bytes) -> int:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(request)
        return int(connection.recv(12)[9:12])


@pytest.mark.parametrize(
    "request_line", [b"\x16\x03\x01\x02\x00\x01\x00", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\r\n" * 50 + b"\x00"]
)
def test_what_is_not_http_does_not_disturb_it(house: House, server: Server, request_line: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(request_line)
        connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            connection.recv(100)
    assert server.status(house.request()) == "GOOD"


HEADS: Final = {
    "in the head": b"POST /ocsp HTTP/1.1\r\n",
    "in the body": b"POST /ocsp HTTP/1.1\r\nhost: x\r\n"
    b"content-type: application/ocsp-request\r\ncontent-length: 80\r\n\r\n",
}


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_a_thousand_slow_connections_keep_nobody_out(house: House, tmp_path: Path, head: bytes) -> None:
    with running(tmp_path, environment=house.environment) as server, contextlib.ExitStack() as slow:
        before = server.memory()
        connections = []
        for _ in range(1000):
            connection = slow.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=5))
            connection.sendall(head)
            connections.append(connection)
        for _ in range(2):
            time.sleep(0.5)
            for connection in connections:
                connection.sendall(b"x")
            begun = time.monotonic()
            assert server.status(house.request()) == "GOOD"
            assert time.monotonic() - begun < 5
        assert server.memory() - before < 100


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_a_slow_request_is_given_up(house: House, tmp_path: Path, head: bytes) -> None:
    with running(tmp_path, "--request-timeout", "1", environment=house.environment) as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
            connection.sendall(head)
            until(lambda: _is_over(connection), 4)
        assert server.ask(house.request()).status_code == 200


def _is_over(connection: socket.socket) -> bool:
    """Whether the other side has said no, or has closed."""
    connection.settimeout(0.1)
    try:
        answer = connection.recv(100)
    except TimeoutError:
        return False
    except OSError:
        return True
    return answer == b"" or answer.startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize(
    "chunk", [b"zz\r\nabc\r\n", b"5\r\nab\r\n0\r\n\r\n", b"-1\r\n\r\n", b"3\r\nabcdef\r\n", b"ffffffffffffffffff\r\n"]
)
def test_a_broken_chunk_is_a_bad_request(server: Server, chunk: bytes) -> None:
    head = b"POST /ocsp HTTP/1.1\r\nhost: x\r\ncontent-type: application/ocsp-request\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(head + b"transfer-encoding: chunked\r\n\r\n" + chunk)
        assert connection.recv(12) == b"HTTP/1.1 400"
