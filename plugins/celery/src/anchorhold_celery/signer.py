"""The signer of a key that a worker lends."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from anchorhold.errors import AnchorholdError, BackendFailedError
from anchorhold.plugin import WantedSignature
from anchorhold.public_keys import spki
from anchorhold_celery.error_transfer import error_from_json
from anchorhold_celery.messages import MessageError, octets, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anchorhold.algorithms import Algorithm
    from anchorhold.plugin import KeyRequest, SignRequest
    from anchorhold_celery.client import WorkerClient


class CelerySigner:
    """Asks a worker for each signature, or for many at once. Threads share it.

    Args:
        client: Asks.
        request: For the key.
        handle: Of the key on the worker's host.
        patience: Seconds for which an answer is waited for where the caller says nothing.
    """

    def __init__(self, client: WorkerClient, request: KeyRequest, handle: Mapping[str, Any], patience: float) -> None:
        self._client: WorkerClient | None = client
        self._subject = f"{client.subject}, key of {request.ca.name!r}"
        self._handle = handle
        self._patience = patience
        self.public_key = request.public_key
        self._key = spki(request.public_key)

    def __repr__(self) -> str:
        return f"<signer of {self._subject}>"

    def sign(self, message: bytes, algorithm: Algorithm) -> bytes:
        """The signature over a probe; a worker is told what it signs, so nothing else is signed without `sign_request`.

        Raises:
            AnchorholdError: As `sign_request`.
        """
        wanted = WantedSignature(
            purpose="probe",
            public_key_info=self._key,
            algorithm=algorithm,
            digest=sha256(message).digest(),
            message=message,
        )
        (signed,) = self._signed([wanted_item(wanted)], self._patience)
        return _or_raised(signed)

    def sign_request(self, request: SignRequest) -> bytes:
        """See `anchorhold.plugin.RequestSigner`.

        Raises:
            AnchorholdError: The worker refuses, is not reached, or may have signed without answering.
        """
        (signed,) = self.sign_all([request])
        return _or_raised(signed)

    def sign_all(self, requests: Sequence[SignRequest]) -> list[bytes | AnchorholdError]:
        """For each request its signature, or why there is none; by one message.

        Raises:
            AnchorholdError: Of all of them.
        """
        items = [wanted_item(WantedSignature.of(each, self._key)) for each in requests]
        return self._signed(items, min(each.seconds_left(self._patience) for each in requests))

    def close(self) -> None:
        """Forget the worker; connections are shared with other signers."""
        self._client = None

    def _signed(self, items: list[dict[str, Any]], seconds: float) -> list[bytes | AnchorholdError]:
        client = self._client
        if client is None:
            raise BackendFailedError(f"{self._subject}: the signer was closed", hint="load another one")
        content = {"handle": self._handle, "public_key": text(self._key), "items": items}
        outcomes = client.ask("sign", content, seconds).get("outcomes")
        if not isinstance(outcomes, list) or len(outcomes) != len(items):
            raise BackendFailedError(
                f"{self._subject}: the worker has answered something else; it may have been signed",
                hint="let both hosts have the same release",
            )
        return [self._outcome(found) for found in outcomes]

    def _outcome(self, found: Mapping[str, Any]) -> bytes | AnchorholdError:
        if "error" in found:
            return error_from_json(found["error"], self._subject)
        try:
            return octets(found.get("signature"))
        except MessageError as error:
            return BackendFailedError(
                f"{self._subject}: a signature {error}", hint="let both hosts have the same release"
            )


def wanted_item(wanted: WantedSignature) -> dict[str, Any]:
    """One signature that is wanted, as a message has it; its key stands there once for all.

    Args:
        wanted: Without the octets of what the ledger has.
    """
    return {
        "purpose": wanted.purpose,
        "algorithm": {"scheme": wanted.algorithm.scheme, "hash": wanted.algorithm.hash},
        "digest": wanted.digest.hex(),
        "serial": wanted.serial,
        "number": wanted.number,
        "message": None if wanted.message is None else text(wanted.message),
    }


def _or_raised(signed: bytes | AnchorholdError) -> bytes:
    if isinstance(signed, AnchorholdError):
        raise signed
    return signed
