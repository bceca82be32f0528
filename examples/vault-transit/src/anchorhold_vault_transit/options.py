"""What may stand in the settings for this backend."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, HttpUrl

from anchorhold.plugin import DurationIn, SecretReference


def _path(value: str) -> str:
    parts = value.strip("/").split("/")
    if not all(part.replace("-", "").replace("_", "").replace(".", "").isalnum() for part in parts):
        raise ValueError("expected a path of letters, digits, -, _ and ., such as transit or team/transit")
    return "/".join(parts)


class Options(BaseModel):
    """``key_backends.<alias>.options`` and ``ocsp_key_backends.<alias>.options``.

    Attributes:
        address: Of the server, such as ``https://vault.example.com:8200``.
        token: What it lets us in with; a reference is better than the token itself.
        mount: Where the transit engine is mounted.
        namespace: Of Vault Enterprise or OpenBao.
        ca_file: Certificates that the server's is verified with; by default those of the system.
        timeout: Seconds that the server may take.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    address: HttpUrl
    token: SecretReference | None = None
    mount: Annotated[str, AfterValidator(_path)] = "transit"
    namespace: Annotated[str, AfterValidator(_path)] | None = None
    ca_file: Path | None = None
    timeout: Annotated[float, Field(gt=0, le=600), DurationIn("s")] = 10
