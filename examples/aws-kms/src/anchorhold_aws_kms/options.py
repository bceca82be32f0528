"""What may stand in the settings for this backend."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, HttpUrl

from anchorhold.plugin import DurationIn

Seconds = Annotated[float, Field(gt=0, le=600), DurationIn("s")]


class Options(BaseModel):
    """``key_backends.<alias>.options`` and ``ocsp_key_backends.<alias>.options``.

    Credentials are none of it: they are found where boto3 finds them.

    Attributes:
        region: Of the keys, such as ``eu-central-1``; by default that of the profile or of ``AWS_REGION``.
        profile: In ``~/.aws/config``; each account has its own, so several accounts are several aliases.
        endpoint_url: Of KMS, for a VPC endpoint or a test; by default the public one of the region.
        deletion_window_days: How long KMS waits before it destroys a key that was deleted.
        connect_timeout: Seconds for reaching KMS.
        read_timeout: Seconds for each answer.
        max_attempts: How often a request is made before it counts as failed, throttling included.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    region: str | None = None
    profile: str | None = None
    endpoint_url: HttpUrl | None = None
    deletion_window_days: Annotated[int, Field(ge=7, le=30), DurationIn("d")] = 30
    connect_timeout: Seconds = 5
    read_timeout: Seconds = 10
    max_attempts: Annotated[int, Field(ge=1, le=20)] = 4
