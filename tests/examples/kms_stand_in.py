"""A stand-in for AWS KMS over HTTP: the actions that a key backend needs, as the AWS KMS API Reference documents them.

https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html and the pages beside it. It differs from moto 5.2 in
three things: of ``DIGEST`` nothing is hashed again, PSS has a salt as long as the hash, and the state of a key counts.
Requests are kept apart by region, as the signature of a request names it; the signature itself is not looked at.
"""

from __future__ import annotations

import base64
import json
import re
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm

from anchorhold import software_keys
from anchorhold.plugin import KeySpec
from anchorhold.public_keys import pss, spki

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ACCOUNT: Final = "111122223333"
KINDS: Final = {
    "RSA_2048": (KeySpec(type="RSA", size=2048), ()),
    "RSA_3072": (KeySpec(type="RSA", size=3072), ()),
    "RSA_4096": (KeySpec(type="RSA", size=4096), ()),
    "ECC_NIST_P256": (KeySpec(type="EC", curve="secp256r1"), ("ECDSA_SHA_256",)),
    "ECC_NIST_P384": (KeySpec(type="EC", curve="secp384r1"), ("ECDSA_SHA_384",)),
    "ECC_NIST_P521": (KeySpec(type="EC", curve="secp521r1"), ("ECDSA_SHA_512",)),
    "ECC_SECG_P256K1": (KeySpec(type="EC", curve="secp256k1"), ("ECDSA_SHA_256",)),
}
RSA_ALGORITHMS: Final = tuple(f"RSASSA_{way}_SHA_{bits}" for way in ("PKCS1_V1_5", "PSS") for bits in (256, 384, 512))
HASHES: Final[dict[str, HashAlgorithm]] = {"256": SHA256(), "384": SHA384(), "512": SHA512()}
PAGE: Final = 100
"""Keys on one page of ``ListKeys``, by default."""


class Fault(Exception):  # noqa: N818
    """An error that KMS answers with."""

    def __init__(self, code: str, message: str = "", status: int = 400) -> None:
        super().__init__(code)
        self.code, self.message, self.status = code, message, status


@dataclass
class StoredKey:
    """A key as KMS has it."""

    id: str
    region: str
    spec: str
    description: str
    tags: list[dict[str, str]]
    private: software_keys.PrivateKey
    state: str = "Enabled"
    aliases: list[str] = field(default_factory=list)

    @property
    def arn(self) -> str:
        return f"arn:aws:kms:{self.region}:{ACCOUNT}:key/{self.id}"

    @property
    def algorithms(self) -> tuple[str, ...]:
        return RSA_ALGORITHMS if self.spec.startswith("RSA") else KINDS[self.spec][1]

    @property
    def metadata(self) -> dict[str, Any]:
        return {
            "AWSAccountId": ACCOUNT,
            "KeyId": self.id,
            "Arn": self.arn,
            "Description": self.description,
            "Enabled": self.state == "Enabled",
            "KeyState": self.state,
            "KeyUsage": "SIGN_VERIFY",
            "KeySpec": self.spec,
            "SigningAlgorithms": list(self.algorithms),
        }


@dataclass
class KmsStandIn:
    """What the server knows, and what it is to do wrong.

    Attributes:
        url: Where it listens.
        page: Keys on one page of ``ListKeys``.
        keys: By region and id.
        faults: By action: what to answer next instead, each once.
        asked: Each request: the action and its arguments.
    """

    url: str = ""
    page: int = PAGE
    keys: dict[tuple[str, str], StoredKey] = field(default_factory=dict)
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    lock: Any = field(default_factory=Lock)

    def alive(self, region: str) -> int:
        """How many keys of a region are there and not scheduled for deletion."""
        return sum(key.region == region and key.state != "PendingDeletion" for key in self.keys.values())

    def requests(self, action: str) -> list[dict[str, Any]]:
        """The arguments of all requests for an action."""
        return [arguments for asked, arguments in self.asked if asked == action]

    def answer(self, action: str, region: str, given: dict[str, Any]) -> dict[str, Any]:
        """Answer one request.

        Raises:
            Fault: With an error instead.
        """
        with self.lock:
            self.asked.append((action, given))
            if self.faults.get(action):
                raise self.faults[action].pop(0)
        return ACTIONS[action](self, region, given)

    def find(self, region: str, name: str) -> StoredKey:
        """A key by id, ARN or alias."""
        for key in list(self.keys.values()):
            if key.region == region and name in (key.id, key.arn, *key.aliases):
                return key
        raise Fault("NotFoundException", f"Key '{name}' does not exist")


def _create(kms: KmsStandIn, region: str, given: dict[str, Any]) -> dict[str, Any]:
    if given["KeySpec"] not in KINDS or given["KeyUsage"] != "SIGN_VERIFY":
        raise Fault("ValidationException", "this stand-in makes keys for signatures only")
    key = StoredKey(
        id=str(uuid.uuid4()),
        region=region,
        spec=given["KeySpec"],
        description=given.get("Description", ""),
        tags=given.get("Tags", []),
        private=software_keys.generate(KINDS[given["KeySpec"]][0]),
    )
    kms.keys[region, key.id] = key
    return {"KeyMetadata": key.metadata}


def _public_key(kms: KmsStandIn, region: str, given: dict[str, Any]) -> dict[str, Any]:
    key = _usable(kms.find(region, given["KeyId"]))
    return {"KeyId": key.arn, "PublicKey": base64.b64encode(spki(key.private.public_key())).decode()}


def _usable(key: StoredKey) -> StoredKey:
    """https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html."""
    if key.state == "Disabled":
        raise Fault("DisabledException", f"{key.arn} is disabled.")
    if key.state != "Enabled":
        raise Fault("KMSInvalidStateException", f"{key.arn} is pending deletion.")
    return key


def _sign(kms: KmsStandIn, region: str, given: dict[str, Any]) -> dict[str, Any]:
    key, name = _usable(kms.find(region, given["KeyId"])), given["SigningAlgorithm"]
    if name not in key.algorithms:
        raise Fault("InvalidKeyUsageException", f"Algorithm {name} is incompatible with key spec {key.spec}.")
    message, kind, digest = base64.b64decode(given["Message"]), given.get("MessageType", "RAW"), HASHES[name[-3:]]
    if not 1 <= len(message) <= 4096:
        raise Fault("ValidationException", "'message' failed to satisfy constraint: length less than or equal to 4096")
    if kind == "DIGEST" and len(message) != digest.digest_size:
        raise Fault("ValidationException", f"Digest is invalid length for algorithm {name}.")
    how = utils.Prehashed(digest) if kind == "DIGEST" else digest
    if isinstance(key.private, rsa.RSAPrivateKey):
        signature = key.private.sign(message, pss(digest) if "PSS" in name else padding.PKCS1v15(), how)
    else:
        assert isinstance(key.private, ec.EllipticCurvePrivateKey)
        signature = key.private.sign(message, ec.ECDSA(how))
    return {"KeyId": key.arn, "Signature": base64.b64encode(signature).decode(), "SigningAlgorithm": name}


def _list(kms: KmsStandIn, region: str, given: dict[str, Any]) -> dict[str, Any]:
    here = [key for key in list(kms.keys.values()) if key.region == region]
    start = int(given.get("Marker", 0))
    answer: dict[str, Any] = {"Keys": [{"KeyId": key.id, "KeyArn": key.arn} for key in here[start : start + kms.page]]}
    more = start + kms.page < len(here)
    return answer | {"Truncated": more} | ({"NextMarker": str(start + kms.page)} if more else {})


def _tags(kms: KmsStandIn, region: str, given: dict[str, Any]) -> dict[str, Any]:
    return {"Tags": kms.find(region, given["KeyId"]).tags, "Truncated": False}


def _create_alias(kms: KmsStandIn, region: str, given: dict[str, Any]) -> dict[str, Any]:
    name = given["AliasName"]
    if not re.fullmatch(r"alias/[a-zA-Z0-9/_-]+", name) or name.startswith("alias/aws/"):
        raise Fault("InvalidAliasNameException", f"{name} is not valid")
    if any(name in key.aliases for key in kms.keys.values() if key.region == region):
        raise Fault("AlreadyExistsException", f"An alias with the name {name} already exists")
    kms.find(region, given["TargetKeyId"]).aliases.append(name)
    return {}


def _delete_alias(kms: KmsStandIn, region: str, given: dict[str, Any]) -> dict[str, Any]:
    kms.find(region, given["AliasName"]).aliases.remove(given["AliasName"])
    return {}


def _list_aliases(kms: KmsStandIn, region: str, given: dict[str, Any]) -> dict[str, Any]:
    return {"Aliases": [{"AliasName": name} for name in kms.find(region, given["KeyId"]).aliases], "Truncated": False}


def _schedule(kms: KmsStandIn, region: str, given: dict[str, Any]) -> dict[str, Any]:
    key, days = kms.find(region, given["KeyId"]), given["PendingWindowInDays"]
    if key.state == "PendingDeletion":
        raise Fault("KMSInvalidStateException", f"{key.arn} is pending deletion.")
    key.state = "PendingDeletion"
    return {"KeyId": key.arn, "KeyState": key.state, "DeletionDate": time.time() + days * 86400}


ACTIONS: Final[dict[str, Callable[[KmsStandIn, str, dict[str, Any]], dict[str, Any]]]] = {
    "CreateKey": _create,
    "DescribeKey": lambda kms, region, given: {"KeyMetadata": kms.find(region, given["KeyId"]).metadata},
    "GetPublicKey": _public_key,
    "Sign": _sign,
    "ListKeys": _list,
    "ListResourceTags": _tags,
    "CreateAlias": _create_alias,
    "DeleteAlias": _delete_alias,
    "ListAliases": _list_aliases,
    "ScheduleKeyDeletion": _schedule,
}


@contextmanager
def kms_stand_in() -> Iterator[KmsStandIn]:
    """A running stand-in."""
    kms = KmsStandIn()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet; else each answer waits 40 ms for an acknowledgement

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            action = self.headers["X-Amz-Target"].removeprefix("TrentService.")
            scope = re.search(r"Credential=[^/]+/\d+/([^/]+)/kms/", self.headers["Authorization"])
            assert scope is not None
            try:
                status, answer = 200, kms.answer(action, scope[1], json.loads(body))
            except Fault as fault:
                status, answer = fault.status, {"__type": fault.code, "message": fault.message}
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        kms.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield kms
        finally:
            server.shutdown()
            thread.join()
