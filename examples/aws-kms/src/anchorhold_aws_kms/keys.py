"""Keys in KMS: made, found, looked at, and given up."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.serialization import load_der_public_key

from anchorhold.errors import BackendFailedError, KeyExistsError, KeyMissingError
from anchorhold.public_keys import check_strength
from anchorhold_aws_kms.error_messages import NOT_FOR_SIGNING, STATES
from anchorhold_aws_kms.service import TAG

if TYPE_CHECKING:
    from anchorhold.public_keys import PublicKey
    from anchorhold_aws_kms.service import Service

_GONE: Final = ("PendingDeletion", "PendingReplicaDeletion")
_TIMEOUT: Final = 10.0
"""Seconds until a new key must be known everywhere in KMS, which is "eventually consistent"."""


@dataclass(frozen=True, slots=True)
class FoundKey:
    """A key that signs.

    Attributes:
        arn: Its name in all of AWS, which says account and region too.
        algorithms: ``SigningAlgorithm``s it signs with.
        public_key: Its public half.
    """

    arn: str
    algorithms: tuple[str, ...]
    public_key: PublicKey


class Keys:
    """The keys of one account and region.

    Args:
        service: KMS.
        deletion_window_days: How long it waits before it destroys a key.
    """

    def __init__(self, service: Service, deletion_window_days: int) -> None:
        self._service = service
        self._window = deletion_window_days

    def create(self, key_id: str, spec: str, description: str, alias: str | None) -> FoundKey:
        """Make a key that carries the id from its first moment, and give it an alias if one is wanted.

        Raises:
            KeyExistsError: The alias, or a key with that id, is there already.
        """
        if alias is not None and self._service.describe(alias) is not None:
            raise KeyExistsError(f"{self._service.subject}: {alias} is taken", hint="choose another --key-alias")
        if any(True for _ in self._service.tagged(key_id)):
            raise KeyExistsError(f"{self._service.subject}: has a key {key_id} already", hint="use anchorhold recover")
        tags = [{"TagKey": TAG, "TagValue": key_id}]
        made = self._service.call(
            "create_key", KeySpec=spec, KeyUsage="SIGN_VERIFY", Description=description, Tags=tags
        )
        arn = str(made["KeyMetadata"]["Arn"])
        self._wait_until_known(arn)
        if alias is not None:
            self._service.call("create_alias", f"{self._service.subject}, {alias}", AliasName=alias, TargetKeyId=arn)
        return self.load(arn, f"{self._service.subject}, {arn}")

    def load(self, key: str, subject: str) -> FoundKey:
        """A key by id, ARN or alias.

        Raises:
            KeyMissingError: It is not there, or scheduled for deletion.
            BackendFailedError: It is disabled.
            KeyUnsupportedError: It does not sign, or is of a kind that anchorhold does not use.
        """
        metadata = self._service.describe(key, subject)
        if metadata is None:
            raise KeyMissingError(
                f"{subject}: KMS has no such key there",
                hint="check region and profile of the alias: they name the account",
            )
        _check_fit(metadata, subject)
        arn = str(metadata["Arn"])
        answer = self._service.call("get_public_key", subject, KeyId=arn)
        public_key = check_strength(load_der_public_key(answer["PublicKey"]), subject)
        return FoundKey(arn, tuple(metadata.get("SigningAlgorithms") or ()), public_key)

    def find(self, key_id: str) -> list[FoundKey]:
        """The keys with that id, except those that are scheduled for deletion."""
        there = filter(self._is_there, self._service.tagged(key_id))
        return [self.load(arn, f"{self._service.subject}, {arn}") for arn in there]

    def delete(self, arn: str, subject: str) -> bool:
        """Schedule the deletion of a key, and remove its aliases so that their names are free at once.

        Returns:
            Whether it was there and not scheduled yet.
        """
        metadata = self._service.describe(arn, subject)
        if metadata is None or metadata["KeyState"] in _GONE:
            return False
        key = metadata["KeyId"]
        for alias in self._service.call("list_aliases", subject, KeyId=key)["Aliases"]:
            self._service.call("delete_alias", subject, AliasName=alias["AliasName"])
        self._service.call("schedule_key_deletion", subject, KeyId=key, PendingWindowInDays=self._window)
        return True

    def _is_there(self, arn: str) -> bool:
        metadata = self._service.describe(arn)
        return metadata is not None and metadata["KeyState"] not in _GONE

    def _wait_until_known(self, arn: str) -> None:
        deadline = time.monotonic() + _TIMEOUT
        while (metadata := self._service.describe(arn)) is None or metadata["KeyState"] == "Creating":
            if time.monotonic() > deadline:
                raise BackendFailedError(f"{arn}: KMS did not get it ready", hint="use anchorhold recover in a minute")
            time.sleep(0.2)


def _check_fit(metadata: dict[str, Any], subject: str) -> None:
    failure = STATES.get(metadata["KeyState"])
    if metadata["KeyUsage"] != "SIGN_VERIFY":
        failure = NOT_FOR_SIGNING
    if failure is not None:
        raise failure.error(subject, key=metadata["KeyId"])
