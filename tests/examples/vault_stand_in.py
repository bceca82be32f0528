"""A stand-in for the transit engine over HTTP: requests and responses as Vault's API documentation publishes them.

Each pair names the page it is from. Of a request the stand-in takes the documented parameters and no others; of a
response it keeps the published form and puts in the values of real keys, or nothing would verify.
"""

from __future__ import annotations

import base64
import copy
import json
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from anchorhold import software_keys
from anchorhold.plugin import KeySpec
from anchorhold.public_keys import HASHES

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

TOKEN: Final = "hvs.a-token-of-the-tests"
PAGE: Final = "https://developer.hashicorp.com/vault/api-docs/secret/transit"
SIGNATURE: Final = (
    "vault:v1:MEUCIQCyb869d7KWuA0hBM9b5NJrmWzMW3/pT+0XYCM9VmGR+QIgWWF6ufi4OS2xo1eS2V5IeJQfsi59qeMWtgX0LipxEHI="
)


@dataclass(frozen=True)
class Pair:
    """A request and its response as published.

    Attributes:
        source: The page.
        method: Of HTTP.
        path: Below the mount; ``my-key`` stands for the name of a key.
        parameters: All that are documented and concern signatures.
        payload: The sample.
        status: Of the response.
        response: The sample; None if it has no body.
    """

    source: str
    method: str
    path: str
    parameters: frozenset[str] = frozenset()
    payload: dict[str, Any] | None = None
    status: int = 200
    response: dict[str, Any] | None = None


PAIRS: Final = {
    "create": Pair(
        source=f"{PAGE}#create-key",
        method="POST",
        path="keys/my-key",
        parameters=frozenset({"type", "derived", "exportable", "allow_plaintext_backup", "auto_rotate_period"}),
        payload={"type": "ed25519", "derived": True},
        status=204,  # https://developer.hashicorp.com/vault/api-docs#http-status-codes: "be prepared for 200 and 204"
    ),
    "read": Pair(
        source=f"{PAGE}#read-key",
        method="GET",
        path="keys/my-key",
        response={
            "data": {
                "type": "aes256-gcm96",
                "deletion_allowed": False,
                "derived": False,
                "exportable": False,
                "allow_plaintext_backup": False,
                "keys": {"1": 1442851412},
                "min_decryption_version": 1,
                "min_encryption_version": 0,
                "name": "foo",
                "supports_encryption": True,
                "supports_decryption": True,
                "supports_derivation": True,
                "supports_signing": False,
                "imported": False,
            }
        },
    ),
    "configure": Pair(
        source=f"{PAGE}#update-key-configuration",
        method="POST",
        path="keys/my-key/config",
        parameters=frozenset({"min_encryption_version", "deletion_allowed", "exportable", "allow_plaintext_backup"}),
        payload={"deletion_allowed": True},
    ),
    "delete": Pair(source=f"{PAGE}#delete-key", method="DELETE", path="keys/my-key", status=204),
    "sign": Pair(
        source=f"{PAGE}#sign-data",
        method="POST",
        path="sign/my-key",
        parameters=frozenset(
            {
                "input",
                "key_version",
                "hash_algorithm",
                "prehashed",
                "signature_algorithm",
                "marshaling_algorithm",
                "salt_length",
            }
        ),
        payload={"input": "adba32=="},
        response={"data": {"signature": SIGNATURE}},
    ),
}
"""By what they are for."""

ASYMMETRIC: Final = {
    "source": "https://github.com/jmgilman/vaultrs/issues/93",
    "keys": {"1": {"creation_time": "2024-05-10T13:36:49.809157592Z", "name": "rsa-2048", "public_key": "-----BEGIN…"}},
}
"""What `read` has for an asymmetric key: the page above says only "its public key in a standard format"."""

ERRORS: Final = {
    "source": "https://developer.hashicorp.com/vault/api-docs#error-response",
    "body": {"errors": ["message", "another message"]},
}

TYPES: Final = {
    "ecdsa-p256": KeySpec(type="EC", curve="secp256r1"),
    "ecdsa-p384": KeySpec(type="EC", curve="secp384r1"),
    "ecdsa-p521": KeySpec(type="EC", curve="secp521r1"),
    "rsa-2048": KeySpec(type="RSA", size=2048),
    "rsa-3072": KeySpec(type="RSA", size=3072),
    "rsa-4096": KeySpec(type="RSA", size=4096),
    "ed25519": KeySpec(type="Ed25519"),
}
DIGESTS: Final = {f"sha2-{bits}": HASHES[f"SHA-{bits}"] for bits in (224, 256, 384, 512)}


class Refusal(Exception):  # noqa: N818
    """An error that the server answers with."""

    def __init__(self, status: int, *messages: str) -> None:
        super().__init__(status)
        self.status, self.messages = status, messages


@dataclass
class StoredKey:
    """A key with its versions, the first of which is number 1."""

    type: str
    versions: list[Any]
    deletion_allowed: bool = False


@dataclass
class VaultStandIn:
    """What the server knows, and what it is to do wrong.

    Attributes:
        url: Where it listens.
        mounts: Where a transit engine is mounted, each with its keys.
        refusals: What to answer next instead, each once.
        asked: Each request: what for, its headers and its payload.
    """

    url: str = ""
    mounts: dict[str, dict[str, StoredKey]] = field(default_factory=lambda: {"transit": {}, "team/transit": {}})
    refusals: list[Refusal] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)

    def answer(self, method: str, path: str, headers: dict[str, str], payload: Any) -> tuple[int, Any]:
        """Answer one request.

        Raises:
            Refusal: With an error instead.
        """
        if self.refusals:
            raise self.refusals.pop(0)
        if headers.get("x-vault-token") != TOKEN:
            raise Refusal(403, "permission denied")
        keys, below = self._mounted(path)
        for action, pair in PAIRS.items():
            found = re.fullmatch(pair.path.replace("my-key", "([^/]+)"), below)
            if found is not None and pair.method == method:
                self.asked.append((action, headers, payload))
                assert set(payload or ()) <= pair.parameters, f"not documented on {pair.source}: {payload}"
                return pair.status, getattr(self, f"_{action}")(keys, found[1], payload)
        raise Refusal(405, "unsupported operation")

    def _mounted(self, path: str) -> tuple[dict[str, StoredKey], str]:
        for mount, keys in self.mounts.items():
            if path.startswith(f"/v1/{mount}/"):
                return keys, path.removeprefix(f"/v1/{mount}/")
        raise Refusal(404, f'no handler for route "{path.removeprefix("/v1/")}". route entry not found.')

    def _create(self, keys: dict[str, StoredKey], name: str, payload: dict[str, Any]) -> None:
        """An existing key stays as it is, without an error."""
        keys.setdefault(name, StoredKey(payload["type"], [software_keys.generate(TYPES[payload["type"]])]))

    def _read(self, keys: dict[str, StoredKey], name: str, _: None) -> dict[str, Any]:
        key, answer = _find(keys, name), copy.deepcopy(PAIRS["read"].response)
        assert answer is not None
        answer["data"] |= {"type": key.type, "name": name, "deletion_allowed": key.deletion_allowed}
        if key.type in TYPES:
            answer["data"]["supports_signing"] = True
            answer["data"]["keys"] = {
                str(number): {"creation_time": "2024-05-10T13:36:49Z", "name": key.type, "public_key": _public(version)}
                for number, version in enumerate(key.versions, 1)
            }
        return answer

    def _configure(self, keys: dict[str, StoredKey], name: str, payload: dict[str, Any]) -> dict[str, Any]:
        _find(keys, name).deletion_allowed = payload["deletion_allowed"]
        return self._read(keys, name, None)

    def _delete(self, keys: dict[str, StoredKey], name: str, _: None) -> None:
        if not _find(keys, name).deletion_allowed:
            raise Refusal(400, "deletion is not allowed for this key")
        del keys[name]

    def _sign(self, keys: dict[str, StoredKey], name: str, payload: dict[str, Any]) -> dict[str, Any]:
        key, answer = _find(keys, name), copy.deepcopy(PAIRS["sign"].response)
        assert answer is not None
        version = payload.get("key_version") or len(key.versions)
        signature = _signature(key.versions[version - 1], payload)
        answer["data"]["signature"] = f"vault:v{version}:{base64.b64encode(signature).decode()}"
        return answer


def _find(keys: dict[str, StoredKey], name: str) -> StoredKey:
    if name not in keys:
        raise Refusal(404)
    return keys[name]


def _public(key: Any) -> str:
    public = key.public_key()
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return base64.b64encode(public.public_bytes_raw()).decode()
    pem: bytes = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem.decode()


def _signature(key: Any, payload: dict[str, Any]) -> bytes:
    message = base64.b64decode(payload["input"], validate=True)
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(message)
    digest = DIGESTS[payload.get("hash_algorithm", "sha2-256")]
    how = utils.Prehashed(digest) if payload.get("prehashed", False) else digest
    if isinstance(key, rsa.RSAPrivateKey):
        salt = padding.PSS.MAX_LENGTH if payload.get("salt_length", "auto") == "auto" else digest.digest_size
        pss = padding.PSS(mgf=padding.MGF1(digest), salt_length=salt)
        return key.sign(message, pss if payload.get("signature_algorithm", "pss") == "pss" else padding.PKCS1v15(), how)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert payload.get("marshaling_algorithm", "asn1") == "asn1"
    return key.sign(message, ec.ECDSA(how))


@contextmanager
def vault_stand_in(trust: ssl.SSLContext | None = None) -> Iterator[VaultStandIn]:
    """A running stand-in, by HTTPS if it is given a certificate."""
    vault = VaultStandIn()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet

        def handle_one_request(self) -> None:
            """Whatever the method is."""
            self.do_GET = self.do_POST = self.do_DELETE = self._answer
            super().handle_one_request()

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                status, answer = vault.answer(self.command, self.path, headers, json.loads(body) if body else None)
            except Refusal as refusal:
                status, answer = refusal.status, {"errors": list(refusal.messages)}
            content = b"" if answer is None else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            if status != 204:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        if trust is not None:
            server.socket = trust.wrap_socket(server.socket, server_side=True)
        vault.url = f"http{'s' if trust else ''}://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield vault
        finally:
            server.shutdown()
            thread.join()
