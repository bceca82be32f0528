"""What to tell a person about a failure of KMS: one table for its error codes, one for what never reached it."""

from __future__ import annotations

from typing import Final

from botocore import exceptions as boto  # type: ignore[import-untyped]

from anchorhold import errors
from anchorhold.plugin import Failure

_LOG_IN: Final = "log in again, or correct the credentials of the profile"
_WAIT: Final = "try again in a minute; ask AWS for a higher quota if it goes on"
_THROTTLED: Final = Failure(errors.BackendFailedError, "KMS limits the rate of requests (throttling)", _WAIT)
_WRONG: Final = Failure(errors.SecretWrongError, "AWS refused the credentials", _LOG_IN)
_EXPIRED: Final = Failure(errors.SecretWrongError, "the credentials have expired", _LOG_IN)
_GONE: Final = Failure(
    errors.KeyMissingError, "KMS has no such key there", "check region and profile of the alias: they name the account"
)
_AWAY: Final = Failure(
    errors.BackendFailedError, "KMS did not answer in time", "check region, endpoint_url and the network"
)
STATES: Final = {
    "Disabled": Failure(
        errors.BackendFailedError, "the key is disabled", "enable it: aws kms enable-key --key-id {key}"
    ),
    "PendingDeletion": Failure(
        errors.KeyMissingError,
        "the key is scheduled for deletion",
        "if that was a mistake: aws kms cancel-key-deletion --key-id {key}, then aws kms enable-key --key-id {key}",
    ),
    "PendingReplicaDeletion": Failure(
        errors.KeyMissingError,
        "the key is scheduled for deletion",
        "if that was a mistake: aws kms cancel-key-deletion --key-id {key}",
    ),
}
"""States in which a key does not sign (AWS KMS Developer Guide, "Key states of AWS KMS keys"); others pass by."""
_UNFIT: Final = Failure(
    errors.BackendFailedError,
    "the key is in a state in which it does not sign",
    "see which: aws kms describe-key --key-id {key}",
)
NOT_FOR_SIGNING: Final = Failure(
    errors.KeyUnsupportedError, "the key is not one for signatures", "use a key with the usage SIGN_VERIFY"
)

_CODES: Final = {
    "UnrecognizedClientException": _WRONG,
    "InvalidClientTokenId": _WRONG,
    "InvalidSignatureException": _WRONG,
    "SignatureDoesNotMatch": _WRONG,
    "IncompleteSignature": _WRONG,
    "MissingAuthenticationTokenException": _WRONG,
    "ExpiredTokenException": _EXPIRED,
    "ExpiredToken": _EXPIRED,
    "RequestExpired": Failure(errors.BackendFailedError, "the clock of this machine is wrong", "set it"),
    "AccessDeniedException": Failure(
        errors.BackendFailedError, "AWS does not permit {operation}", "allow kms:{operation} for this account's role"
    ),
    "AccessDenied": Failure(errors.BackendFailedError, "AWS does not permit {operation}", "correct the role"),
    "ThrottlingException": _THROTTLED,
    "Throttling": _THROTTLED,
    "TooManyRequestsException": _THROTTLED,
    "LimitExceededException": Failure(errors.BackendFailedError, "a quota of KMS is used up", "ask AWS for more"),
    "NotFoundException": _GONE,
    "InvalidArnException": _GONE,
    "DisabledException": STATES["Disabled"],
    "KMSInvalidStateException": _UNFIT,
    "KeyUnavailableException": _UNFIT,
    "InvalidKeyUsageException": NOT_FOR_SIGNING,
    "UnsupportedOperationException": NOT_FOR_SIGNING,
    "AlreadyExistsException": Failure(errors.KeyExistsError, "that alias is taken", "choose another --key-alias"),
    "InvalidAliasNameException": Failure(
        errors.InputError, "not a name for an alias", "use letters, digits, / _ and -, and do not begin with aws/"
    ),
    "DependencyTimeoutException": _AWAY,
    "KMSInternalException": _AWAY,
}
"""Codes of KMS (AWS KMS API Reference, "Errors" of each action, and "Common Error Types")."""

_EXCEPTIONS: Final[dict[type[Exception], Failure]] = {
    boto.ProfileNotFound: Failure(
        errors.SettingsError, "there is no such profile", "add it to ~/.aws/config, or correct the option profile"
    ),
    boto.NoRegionError: Failure(errors.SettingsError, "no region is known", "set the option region, or AWS_REGION"),
    boto.NoCredentialsError: Failure(
        errors.SecretMissingError, "no AWS credentials were found", "set the option profile, or AWS_ACCESS_KEY_ID"
    ),
    boto.PartialCredentialsError: Failure(
        errors.SecretMissingError, "a part of the AWS credentials is missing", "complete the profile or the variables"
    ),
    boto.CredentialRetrievalError: Failure(errors.SecretMissingError, "no AWS credentials were obtained", _LOG_IN),
    boto.SSOError: Failure(errors.SecretMissingError, "the AWS session is not valid", "run aws sso login"),
    boto.EndpointConnectionError: Failure(
        errors.BackendFailedError, "KMS cannot be reached", "check region, endpoint_url and the network"
    ),
    boto.SSLError: Failure(errors.BackendFailedError, "TLS failed", "check endpoint_url and AWS_CA_BUNDLE"),
    boto.HTTPClientError: _AWAY,
    boto.ParamValidationError: Failure(
        errors.InputError, "KMS cannot be asked for that", "check what was given for the key"
    ),
    boto.BotoCoreError: Failure(errors.BackendFailedError, "KMS cannot be used", "see the cause with --debug"),
}
"""In order: the first that fits is taken, so special ones stand before general ones."""


def failure_of(error: Exception) -> Failure | None:
    """What an exception of boto3 means; None for one of others."""
    if isinstance(error, boto.ClientError):
        code = code_of(error)
        return _CODES.get(code) or Failure(
            errors.BackendFailedError,
            f"KMS answered {{operation}} with {code or 'an error'}",
            "see the cause with --debug",
        )
    return next((failure for kind, failure in _EXCEPTIONS.items() if isinstance(error, kind)), None)


def code_of(error: boto.ClientError) -> str:
    """The code that KMS answered with."""
    return str(error.response.get("Error", {}).get("Code", ""))
