"""The contract of backends on a worker: the kit signs what no ledger knows, so it keeps one of its own.

The kit's side records the SHA-256 of each message before it asks; the kit's worker signs what is recorded there, and
asks the ledger of anchorhold about all else. No setting of the worker that is shipped leads here.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.serialization import load_der_public_key

from anchorhold.algorithms import Algorithm
from anchorhold.errors import AnchorholdError, BackendFailedError
from anchorhold.plugin import CertificateAuthority, KeyHandle, KeyRequest, WantedSignature, hookimpl
from anchorhold_celery import CeleryBackend
from anchorhold_celery.messages import octets
from anchorhold_celery.signer import CelerySigner, wanted_item
from anchorhold_celery.worker.application import application
from anchorhold_celery.worker.intended import LedgerSigning, Signed, outcome_to_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchorhold.plugin import KeyRequest as AnyKeyRequest
    from anchorhold.plugin import Secrets, SignRequest

FILE = "KIT_LEDGER"
"""The variable that names the file of the kit's ledger."""


def record(digest: bytes) -> None:
    """Record that a message is going to be signed."""
    with closing(_connected()) as database, database:
        database.execute("INSERT OR IGNORE INTO intended VALUES (?)", (digest.hex(),))


def is_recorded(digest: bytes) -> bool:
    """Whether the kit has recorded a message."""
    with closing(_connected()) as database:
        return bool(database.execute("SELECT 1 FROM intended WHERE digest = ?", (digest.hex(),)).fetchone())


def _connected() -> sqlite3.Connection:
    database = sqlite3.connect(os.environ[FILE], timeout=30)
    database.execute("CREATE TABLE IF NOT EXISTS intended (digest TEXT PRIMARY KEY)")
    return database


class KitSigner(CelerySigner):
    """Records what it is asked to sign without being told what for."""

    def sign(self, message: bytes, algorithm: Algorithm) -> bytes:
        (signed,) = self._asked([(message, algorithm)], self._patience)
        if isinstance(signed, AnchorholdError):
            raise signed
        return signed

    def sign_all(self, requests: Sequence[SignRequest]) -> list[bytes | AnchorholdError]:
        if all(each.key_id is not None for each in requests):  # by core
            return super().sign_all(requests)
        seconds = min(each.seconds_left(self._patience) for each in requests)
        return self._asked([(each.message, each.algorithm) for each in requests], seconds)

    def _asked(self, wanted: list[tuple[bytes, Algorithm]], seconds: float) -> list[bytes | AnchorholdError]:
        items = []
        for message, algorithm in wanted:
            digest = sha256(message).digest()
            record(digest)
            probe: Any = {"purpose": "probe", "public_key_info": self._key, "algorithm": algorithm}
            items.append(wanted_item(WantedSignature(**probe, digest=digest, message=message)))
        return self._signed(items, seconds)


class KitBackend(CeleryBackend):
    """The backend with such signers."""

    @hookimpl
    def load_signer(self, request: AnyKeyRequest, secrets: Secrets) -> CelerySigner:
        return KitSigner(self._client, request, self._lent(request), self._options.deadline)


class KitSigning(LedgerSigning):
    """Signs what the kit has recorded, and otherwise as the worker that is shipped."""

    def sign(self, alias: Any, request: Any, audit: Any, deadline: float) -> Signed:
        items = request.content["items"]
        digests = [bytes.fromhex(item["digest"]) for item in items]
        if not all(map(is_recorded, digests)):
            return super().sign(alias, request, audit, deadline)
        key: Any = load_der_public_key(octets(request.content["public_key"]))
        asked = KeyRequest(
            handle=KeyHandle.from_json(request.content["handle"]),
            public_key=key,
            ca=CertificateAuthority(name="Contract", subject="CN=Contract"),
            role=alias.role,
        )
        signer = alias.backend.load_signer(asked, alias.secrets("use"))
        try:
            return Signed(outcomes=[outcome_to_json(_signature(signer, item)) for item in items])
        finally:
            alias.backend.close_signer(signer)


def _signature(signer: Any, item: dict[str, Any]) -> bytes | AnchorholdError:
    try:
        signature: bytes = signer.sign(octets(item["message"]), Algorithm(**item["algorithm"]))
    except Exception as error:  # as core takes it for one that the backend may raise
        return BackendFailedError(
            f"the key does not sign this ({type(error).__name__})", hint="choose another algorithm"
        )
    return signature


def main() -> None:
    """Run the kit's worker with the settings file that is named."""
    app = application(Path(sys.argv[1]), signing=KitSigning)
    running = app.Worker(loglevel="INFO", without_gossip=True, without_mingle=True)
    running.start()
    sys.exit(running.exitcode)


if __name__ == "__main__":
    main()
