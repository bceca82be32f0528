"""KMS itself, and the few requests that are made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import boto3  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from anchorhold.plugin import RemoteService
from anchorhold_aws_kms.error_messages import code_of, failure_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorhold.errors import AnchorholdError
    from anchorhold_aws_kms.options import Options

TAG: Final = "anchorhold:key-id"
"""The tag with the id that core has drawn; given with the request that makes the key, so no key is without it."""


class Service(RemoteService[Any]):
    """KMS in one account and region.

    Args:
        options: Of the alias.
        subject: What to call the backend in messages.
    """

    def __init__(self, options: Options, subject: str) -> None:
        super().__init__(subject)
        self._options = options

    def call(self, operation: str, subject: str | None = None, **arguments: Any) -> dict[str, Any]:
        """Make one request.

        Args:
            operation: As boto3 spells it.
            subject: What the request is about, for messages.
            arguments: Of the request.

        Raises:
            AnchorholdError: It failed; see `anchorhold_aws_kms.error_messages`.
        """
        with self.client(subject, key=str(arguments.get("KeyId", ""))) as kms:
            answer: dict[str, Any] = getattr(kms, operation)(**arguments)
        return answer

    def describe(self, key: str, subject: str | None = None) -> dict[str, Any] | None:
        """The metadata of a key by id, ARN or alias; None if KMS has no such key."""
        with self.client(subject, key=key) as kms:
            try:
                answer: dict[str, Any] = kms.describe_key(KeyId=key)
            except ClientError as error:
                if code_of(error) == "NotFoundException":
                    return None
                raise
        metadata: dict[str, Any] = answer["KeyMetadata"]
        return metadata

    def tagged(self, key_id: str) -> Iterator[str]:
        """The ARNs of all keys with this value of `TAG`; KMS cannot search, so each key is asked."""
        with self.client() as kms:
            for page in kms.get_paginator("list_keys").paginate():
                for key in page["Keys"]:
                    if key_id in self._tags(kms, key["KeyId"]):
                        yield key["KeyArn"]

    @staticmethod
    def _tags(kms: Any, key: str) -> list[str]:
        try:
            pages = list(kms.get_paginator("list_resource_tags").paginate(KeyId=key))
        except ClientError as error:
            if code_of(error) == "NotFoundException":  # it was destroyed a moment ago
                return []
            raise
        return [tag["TagValue"] for page in pages for tag in page["Tags"] if tag["TagKey"] == TAG]

    def translate(self, error: Exception, subject: str, facts: dict[str, str]) -> AnchorholdError | None:
        """See `anchorhold_aws_kms.error_messages`."""
        failure = failure_of(error)
        operation = getattr(error, "operation_name", "")
        return None if failure is None else failure.error(subject, **{"key": "", "operation": operation, **facts})

    def open_client(self) -> Any:
        """A client of boto3 for KMS."""
        options = self._options
        config = Config(
            connect_timeout=options.connect_timeout,
            read_timeout=options.read_timeout,
            retries={"mode": "standard", "total_max_attempts": options.max_attempts},
            user_agent_extra="anchorhold-aws-kms/0.1.0",
        )
        session = boto3.session.Session(profile_name=options.profile, region_name=options.region)
        endpoint = str(options.endpoint_url) if options.endpoint_url is not None else None
        return session.client("kms", endpoint_url=endpoint, config=config)
