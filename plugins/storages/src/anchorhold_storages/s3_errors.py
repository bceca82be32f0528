"""What to tell a person about a failure of S3."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from aiohttp import ClientPayloadError
from botocore import exceptions  # type: ignore[import-untyped]
from botocore.parsers import ResponseParserError  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Mapping

_DENIED: Final = "access denied"
_CODES: Final = {
    "AccessDenied": _DENIED,
    "AllAccessDisabled": _DENIED,
    "403": _DENIED,
    "InvalidAccessKeyId": f"{_DENIED}: the access key is not known there",
    "SignatureDoesNotMatch": f"{_DENIED}: the secret does not belong to the access key",
    "ExpiredToken": f"{_DENIED}: the credentials have expired",
    "InvalidToken": f"{_DENIED}: the session token is wrong",
    "RequestTimeTooSkewed": f"{_DENIED}: the clock of this machine is wrong",
    "NoSuchBucket": "no such bucket {bucket!r}",
    "InvalidBucketName": "the name of the bucket is not valid",
    "PermanentRedirect": "the bucket is in another region",
    "AuthorizationHeaderMalformed": "the bucket is in another region",
    "IllegalLocationConstraintException": "the bucket is in another region",
    "ConditionalRequestConflict": "another write to this name was under way",
    "NotImplemented": "the store does not offer this operation",
}
"""Error codes of S3 (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html)."""

_EXCEPTIONS: Final[dict[type[BaseException], str]] = {
    exceptions.ConnectTimeoutError: "did not answer within {connect_timeout} s",
    exceptions.ReadTimeoutError: "did not answer within {read_timeout} s",
    TimeoutError: "did not answer within {deadline} s",
    exceptions.EndpointConnectionError: "cannot be reached",
    exceptions.ProxyConnectionError: "its proxy cannot be reached",
    exceptions.ConnectionClosedError: "closed the connection",
    exceptions.SSLError: "TLS failed, or its certificate is not trusted",
    ClientPayloadError: "broke off its answer",
    exceptions.HTTPClientError: "did not answer in HTTP",
    ResponseParserError: "its answer is not one of S3",
    exceptions.NoCredentialsError: "no credentials were given or found",
    exceptions.PartialCredentialsError: "only a part of the credentials was given",
    exceptions.ParamValidationError: "the name of the bucket or an option is not valid",
}
"""In order: the first that fits is taken, so special ones stand before general ones."""


def code_of(error: BaseException) -> str:
    """The error code that the store answered with, or nothing."""
    return str(_answer(error).get("Error", {}).get("Code", ""))


def reason(error: BaseException, facts: Mapping[str, object]) -> str:
    """Why an operation failed, in a few words without any secret.

    Args:
        error: From s3fs.
        facts: ``bucket``, and in seconds ``connect_timeout``, ``read_timeout`` and ``deadline``.
    """
    code, status = code_of(error), _answer(error).get("ResponseMetadata", {}).get("HTTPStatusCode")
    if code in _CODES:
        return _CODES[code].format_map(facts)
    if status is not None:
        return f"answered {status}" + (f" {code}" if code and code != str(status) else "")
    for kind, words in _EXCEPTIONS.items():
        if isinstance(error, kind):
            return words.format_map(facts)
    if isinstance(error, ValueError) and "endpoint" in str(error):
        return "endpoint_url is not a URL such as https://s3.example.com"
    unknown = re.search(r"unexpected keyword argument '(\w+)'", str(error))
    return f"the option {unknown[1]!r} is not known" if unknown else type(error).__name__


def _answer(error: BaseException) -> dict[str, Any]:
    """The error of botocore is what s3fs names as the cause of its own."""
    for candidate in (error, error.__cause__):
        if isinstance(candidate, exceptions.ClientError):
            return dict(candidate.response)
    return {}
