"""The one tree of errors that anchorhold raises on purpose.

Each class stands for one kind of trouble a caller can react to. It has a code, which is stable and which programs
compare, and its own exit code, which the command line returns. ``docs/exit-codes.md`` is generated from this
module. Exit code 1 is reserved for unexpected failures, 2 for wrong usage of the command line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorhold.base_error import AnchorholdError as AnchorholdError  # all errors are imported from here

if TYPE_CHECKING:
    from anchorhold.remedy import Remedy


class SettingsError(AnchorholdError):
    """The settings file cannot be read, or a value in it is wrong."""

    exit_code = 10
    code = "settings-invalid"


class UnknownAliasError(AnchorholdError):
    """No key backend is configured under that alias."""

    exit_code = 11
    code = "unknown-alias"


class UnknownBackendError(AnchorholdError):
    """No installed distribution offers that backend type or wrapper, or more than one does."""

    exit_code = 12
    code = "unknown-backend"


class BackendLoadError(AnchorholdError):
    """A backend or wrapper is installed but cannot be imported or constructed."""

    exit_code = 13
    code = "backend-not-loadable"


class BackendContractError(AnchorholdError):
    """A backend or wrapper breaks a rule of the plugin API."""

    exit_code = 14
    code = "backend-contract-broken"


class OptionConflictError(AnchorholdError):
    """Two options would share one command-line flag."""

    exit_code = 15
    code = "option-conflict"


class UnusedOptionError(AnchorholdError):
    """An option was given for an alias that the command does not use."""

    exit_code = 16
    code = "unused-option"


class SecretMissingError(AnchorholdError):
    """A password or PIN is needed and was not given."""

    exit_code = 20
    code = "secret-missing"


class SecretWrongError(AnchorholdError):
    """A password or PIN was refused."""

    exit_code = 21
    code = "secret-wrong"


class KeyMissingError(AnchorholdError):
    """The private key is not where its handle says."""

    exit_code = 30
    code = "key-missing"


class KeyExistsError(AnchorholdError):
    """Another key already has that place or label; keys are never overwritten."""

    exit_code = 31
    code = "key-exists"


class KeyUnsupportedError(AnchorholdError):
    """The backend or anchorhold itself does not offer that key type, size, curve or algorithm."""

    exit_code = 32
    code = "key-unsupported"


class KeyMismatchError(AnchorholdError):
    """A private key does not belong to the public key it is used for."""

    exit_code = 33
    code = "key-mismatch"


class KeyInvalidError(AnchorholdError):
    """Stored or imported key material cannot be read."""

    exit_code = 34
    code = "key-invalid"


class BackendFailedError(AnchorholdError):
    """The backend could not do its work: storage unreachable, token gone, permission denied.

    If it was asked for a signature, it may have made one, unless it is a `BackendUnreachedError`.
    """

    exit_code = 35
    code = "backend-failed"


class BackendUnreachedError(BackendFailedError):
    """The request never reached the key: nothing was signed, made or destroyed, so it may be sent again."""

    exit_code = 38
    code = "backend-unreached"


class BackendBusyError(BackendUnreachedError):
    """The backend has too much to do at the moment, and did nothing. Core asks again, within the deadline.

    Args:
        problem: As of any error.
        hint: As of any error.
        remedy: As of any error.
        retry_after: Seconds after which it may be asked again, as the service says (RFC 9110, section 10.2.3).
    """

    exit_code = 39
    code = "backend-busy"

    def __init__(self, problem: str, *, hint: str, remedy: Remedy | None = None, retry_after: float = 0.5) -> None:
        super().__init__(problem, hint=hint, remedy=remedy)
        self.retry_after = retry_after


class SessionOverError(BackendUnreachedError):
    """The session of a signer is over, and nothing was signed. Core asks for another signer, once for each request."""

    exit_code = 28
    code = "session-over"


class DeadlineError(BackendUnreachedError):
    """The time that the caller has given was over before the backend was asked."""

    exit_code = 29
    code = "deadline-passed"


class SignatureError(AnchorholdError):
    """A backend returned a signature that does not verify; nothing was recorded as issued."""

    exit_code = 36
    code = "signature-invalid"


class OperationUnsupportedError(AnchorholdError):
    """The backend does not implement that optional operation."""

    exit_code = 37
    code = "operation-unsupported"


class InputError(AnchorholdError):
    """A file or value given by the caller cannot be read."""

    exit_code = 40
    code = "input-invalid"


class RequestInvalidError(AnchorholdError):
    """The certificate signing request (RFC 2986) is truncated or malformed."""

    exit_code = 41
    code = "request-invalid"


class RequestSignatureError(AnchorholdError):
    """The certificate signing request is not signed by the key it contains."""

    exit_code = 42
    code = "request-signature-invalid"


class WeakKeyError(AnchorholdError):
    """The public key is too weak to be certified."""

    exit_code = 43
    code = "weak-key"


class NameForbiddenError(AnchorholdError):
    """A name must not appear in a certificate, or is outside the name constraints of the authority."""

    exit_code = 44
    code = "name-forbidden"


class SubjectInvalidError(AnchorholdError):
    """A distinguished name cannot be read."""

    exit_code = 45
    code = "subject-invalid"


class CertificateInvalidError(AnchorholdError):
    """A certificate given by the caller cannot be read or is not fit for the purpose."""

    exit_code = 46
    code = "certificate-invalid"


class OutputError(AnchorholdError):
    """The result cannot be written; what was issued stays in the ledger."""

    exit_code = 47
    code = "output-failed"


class UnknownAuthorityError(AnchorholdError):
    """No authority has that name or serial, or several do."""

    exit_code = 50
    code = "unknown-authority"


class AuthorityExistsError(AnchorholdError):
    """An authority of that name exists."""

    exit_code = 51
    code = "authority-exists"


class AuthorityExpiredError(AnchorholdError):
    """The certificate of the authority has expired or is not valid yet."""

    exit_code = 52
    code = "authority-expired"


class PathLengthError(AnchorholdError):
    """The path length constraint (RFC 5280, section 4.2.1.9) of the authority forbids the certificate."""

    exit_code = 53
    code = "path-length-exceeded"


class ValidityError(AnchorholdError):
    """The validity asked for is empty or goes beyond the authority's own."""

    exit_code = 54
    code = "validity-invalid"


class AuthorityNotReadyError(AnchorholdError):
    """The authority was not completed, or has been disabled."""

    exit_code = 55
    code = "authority-not-ready"


class UnknownProfileError(AnchorholdError):
    """No profile of that name is built in or configured."""

    exit_code = 56
    code = "unknown-profile"


class UnknownCertificateError(AnchorholdError):
    """No certificate has that serial, or several do."""

    exit_code = 57
    code = "unknown-certificate"


class RefusedError(AnchorholdError):
    """A wrapper, such as a policy, or a worker on another host refused the operation."""

    exit_code = 58
    code = "refused-by-wrapper"


class ProfileRefusedError(AnchorholdError):
    """What was asked for does not fit the profile."""

    exit_code = 59
    code = "refused-by-profile"


class LedgerError(AnchorholdError):
    """The ledger's database cannot be reached, read or written."""

    exit_code = 60
    code = "ledger-failed"


class LedgerVersionError(AnchorholdError):
    """The ledger was written by a newer anchorhold."""

    exit_code = 61
    code = "ledger-too-new"


class LedgerForeignError(AnchorholdError):
    """The database belongs to another program."""

    exit_code = 62
    code = "ledger-foreign"


class RecoveryNeededError(AnchorholdError):
    """Operations were interrupted and wait to be finished or abandoned."""

    exit_code = 63
    code = "recovery-needed"


class PluginMissingError(AnchorholdError):
    """The command or setting belongs to a distribution that is not installed."""

    exit_code = 64
    code = "plugin-missing"


class RevocationError(AnchorholdError):
    """A certificate cannot be revoked or released as asked: it is already, or never was."""

    exit_code = 65
    code = "revocation-refused"


class ExpiringError(AnchorholdError):
    """Certificates were found that expire soon; for scheduled jobs that look for them."""

    exit_code = 66
    code = "certificates-expiring"


class BusyError(AnchorholdError):
    """Another process is working on the same object, or has changed it in the meantime; nothing was done here."""

    exit_code = 67
    code = "busy"


class OcspResponsesError(AnchorholdError):
    """Pre-signed OCSP responses were not written; a revocation that they should tell of stands."""

    exit_code = 68
    code = "ocsp-responses-not-written"


class NotAcceptedError(AnchorholdError):
    """Programs that must accept it, or most programs, refuse what was asked for."""

    exit_code = 69
    code = "not-accepted"


class SignatureNotIntendedError(RefusedError):
    """A process with the key refused to sign what the ledger does not have as intended; nothing was signed.

    Attributes:
        reason: Why, in a word that never changes, such as ``not-reserved``.
    """

    exit_code = 70
    code = "signature-not-intended"
    reason: str = ""


def error_classes() -> list[type[AnchorholdError]]:
    """Every error class with its own exit code, in order of that code."""
    return sorted(_below(AnchorholdError), key=lambda error: error.exit_code)


def _below(above: type[AnchorholdError]) -> list[type[AnchorholdError]]:
    direct = [error for error in above.__subclasses__() if "exit_code" in vars(error)]
    return [found for error in direct for found in (error, *_below(error))]
