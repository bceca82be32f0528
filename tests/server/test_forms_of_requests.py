"""Requests in all the forms in which clients send them: what is repeated in the answer is repeated as it came."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.x509 import ocsp

from anchorhold.x509.der import tlv

if TYPE_CHECKING:
    from collections.abc import Callable

    from server.serving import House, Server

pytestmark = pytest.mark.databases("sqlite", because="each form leads to the same lookup")
NONCE_OID: Final = bytes.fromhex("06092b0601050507300102")


@pytest.fixture
def house(standing_house: House) -> House:
    """The house that tests share, for none of these changes anything in it."""
    return standing_house


@pytest.fixture
def server(standing_server: Server) -> Server:
    """The server that tests share."""
    return standing_server


def asking(house: House, *, parameters: bytes = b"\x05\x00", serial: bytes | None = None, nonce: bytes = b"") -> bytes:
    """A request of these parts, in DER; the nonce as the value of its extension."""
    real = ocsp.load_der_ocsp_request(house.request())
    algorithm = tlv(0x30, bytes.fromhex("06052b0e03021a") + parameters)
    hashed = tlv(4, real.issuer_name_hash) + tlv(4, real.issuer_key_hash)
    number = serial or real.serial_number.to_bytes(20)
    extensions = tlv(0xA2, tlv(0x30, tlv(0x30, NONCE_OID + tlv(4, nonce)))) if nonce else b""
    certificate = tlv(0x30, algorithm + hashed + tlv(2, number))
    return tlv(0x30, tlv(0x30, tlv(0x30, tlv(0x30, certificate)) + extensions))


@pytest.mark.parametrize("parameters", [b"", b"\x05\x00"], ids=["no parameters", "NULL"])
@pytest.mark.parametrize("serial", [None, b"\x05", b"\xff", b"\x80" + bytes(19), b"\x00" + b"\xff" * 20, b"\x7f" * 200])
def test_the_certificate_is_named_as_it_was(
    house: House, server: Server, parameters: bytes, serial: bytes | None
) -> None:
    """Some clients compare the CertID octet by octet."""
    request = asking(house, parameters=parameters, serial=serial)
    named = request[request.index(bytes.fromhex("06052b0e03021a")) - 2 :]
    answer = server.ask(request).content
    assert named in answer
    read = ocsp.load_der_ocsp_response(answer)
    assert read.serial_number == ocsp.load_der_ocsp_request(request).serial_number


@pytest.mark.parametrize(
    "nonce",
    [tlv(4, b"n" * 32), tlv(4, b"n"), tlv(4, b"n" * 128), b"n" * 16, b"n" * 128, b"\x04\x05ab"],
    ids=["32", "1", "128", "bare", "bare 128", "bare, like the beginning of one"],
)
def test_a_nonce_is_repeated_as_it_came(house: House, server: Server, nonce: bytes) -> None:
    """RFC 8954 has it in an OCTET STRING; some clients have its octets alone."""
    answer = server.ask(asking(house, nonce=nonce)).content
    assert NONCE_OID + tlv(4, nonce) in answer


@pytest.mark.parametrize("nonce", [tlv(4, b""), tlv(4, b"n" * 129), b"n" * 200, b"n" * 129], ids=len)
def test_a_nonce_of_a_length_that_it_cannot_have_is_malformed(house: House, server: Server, nonce: bytes) -> None:
    assert server.status(asking(house, nonce=nonce)) == "MALFORMED_REQUEST"


def test_an_extension_that_is_there_twice_is_malformed(house: House, server: Server) -> None:
    once = tlv(0x30, NONCE_OID + tlv(4, tlv(4, b"n" * 16)))
    request = asking(house)
    inner = request[4:] if request[1] & 0x80 else request[2:]
    content = inner[2:]
    assert server.status(tlv(0x30, tlv(0x30, content + tlv(0xA2, tlv(0x30, once + once))))) == "MALFORMED_REQUEST"


FORMS: Final[dict[str, Callable[[str], str]]] = {
    "as it is": lambda text: text,
    "quoted": lambda text: quote(text, safe=""),
    "quoted twice": lambda text: quote(quote(text, safe=""), safe=""),
    "without padding": lambda text: text.rstrip("="),
    "behind a slash": lambda text: "/" + quote(text, safe=""),
    "behind two slashes": lambda text: "//" + text,
    "before a slash": lambda text: quote(text, safe="") + "/",
    "unpadded before a slash": lambda text: text.rstrip("=") + "/",
    "between slashes": lambda text: "/" + text + "/",
    "base64url": lambda text: text.replace("+", "-").replace("/", "_"),
    "base64url without padding": lambda text: text.replace("+", "-").replace("/", "_").rstrip("="),
    "lines": lambda text: quote("\r\n".join(text[at : at + 64] for at in range(0, len(text), 64)) + "\n", safe=""),
    "blanks for plus signs": lambda text: quote(text.replace("+", " "), safe=""),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("last", ["/", "+", "A", "=", "=="])
def test_a_request_in_the_path(house: House, server: Server, form: Callable[[str], str], last: str) -> None:
    for size in (16, 17, 18):  # one of them has the right padding
        if len(asking(house, nonce=tlv(4, bytes(size)))) % 3 != {"=": 2, "==": 1}.get(last, 0):
            continue
        text = ""
        while not ("+" in text and "/" in text and text.endswith(last)):  # all that is special, and this at its end
            ending = base64.b64decode("AAA" + last) if len(last) == 1 and last != "=" else b"a"
            text = base64.b64encode(asking(house, nonce=tlv(4, os.urandom(size - len(ending)) + ending))).decode()
        answer = server.client.get("/ocsp/" + form(text))
        assert answer.status_code == 200
        read = ocsp.load_der_ocsp_response(answer.content)
        assert read.response_status is ocsp.OCSPResponseStatus.SUCCESSFUL, (text, form(text))


@pytest.mark.parametrize("path", ["/healthz/", "/readyz/", "/metrics/", "/crl/00.crl/", "/issuer/00.der/", "//healthz"])
def test_a_slash_too_many_redirects_nowhere(server: Server, path: str) -> None:
    answer = server.client.get(path, headers={"host": "evil.example"})
    assert (answer.status_code, answer.headers.get("location")) == (404, None)


def test_pem_has_lines_of_64(house: House, server: Server) -> None:
    """RFC 7468, section 2."""
    authority = house.authority
    issuer = server.client.get(f"/issuer/{authority.record.serial}.pem").text
    assert x509.load_pem_x509_certificate(issuer.encode()) == authority.certificate
    lines = issuer.splitlines()
    assert {len(line) for line in lines[1:-2]} == {64}
