"""What crosses the plugin boundary: requests, answers, and the protocols of what core lends to a backend and back.

The dataclasses are frozen, slotted and keyword-only, so that they can grow without breaking a published backend.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias, TypeVar

from anchorhold.plugin.refused_secrets import ProcessRefusedSecrets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from anchorhold.algorithms import Algorithm, KeySpec
    from anchorhold.audit import AuditContext
    from anchorhold.databases import Database
    from anchorhold.plugin.facts import SigningFacts
    from anchorhold.plugin.refused_secrets import RefusedSecrets
    from anchorhold.public_keys import PublicKey
    from anchorhold.secret import Secret
    from anchorhold.x509.draft import Draft

Operation: TypeAlias = Literal["create", "import", "adopt", "use"]
"""What a command does with the key of an alias; `BackendSpec.add_cli_options` adds options accordingly."""
Role: TypeAlias = Literal["ca", "ocsp"]
"""Whether an alias keeps keys of authorities or of OCSP responders."""
SECTIONS: Final[Mapping[Role, str]] = {"ca": "key_backends", "ocsp": "ocsp_key_backends"}
"""The section of the settings for each role."""
T = TypeVar("T")
Wrapping: TypeAlias = Generator[None, T, T]
"""What a wrapper's method returns: it yields once, is sent the answer of what it wraps, and returns an answer."""

Purpose: TypeAlias = Literal["certificate", "crl", "ocsp", "csr", "probe"]
"""What a signature is made for. A probe, `PROBE_PREFIX` and random octets, proves that a key works."""
PROBE_PREFIX = b"\x00anchorhold probe\x00"
"""How each probe begins, and no DER: the octet zero ends contents of indefinite length (X.690, section 8.1.5)."""
OptionValue: TypeAlias = str | bool | None
"""The value of an option that is not secret."""


class Secrets(Protocol):
    """Hands a backend the secrets it has declared with `AddOption` or has in its options model."""

    def get(self, name: str) -> Secret | None:
        """The secret from the command line, the environment or the settings; None if it was not given.

        Never asks a person.
        """

    def require(self, name: str) -> Secret:
        """The same, else from a person at the terminal.

        Raises:
            SecretMissingError: No prompter is available; the message says how to give the secret.
        """


class AddOption(Protocol):
    """Adds one option to a command; core makes flag, variable and prefix from the name and the alias."""

    def __call__(
        self,
        name: str,
        *,
        help: str,  # noqa: A002
        secret: bool = False,
        scope: Literal["alias", "key"] = "alias",
        default: str | bool | None = None,
    ) -> None:
        """Add an option.

        Args:
            name: In lower case with hyphens, without prefix: ``user-pin``.
            help: One sentence for the help text.
            secret: It reaches the backend through `Secrets` and never through the options of a request. Core
                reads ``ANCHORHOLD_[ALIAS_]NAME`` and ``…_FILE`` too, and adds a ``--name-prompt`` flag where a
                secret is set rather than used.
            scope: ``alias`` if one value serves every key of the alias (a PIN), ``key`` if each has its own
                (a password).
            default: Of an option that is not secret; a bool makes a flag of it.
        """


class Signer(Protocol):
    """A lent private key. It owns its session; the caller closes it.

    Threads share it: `sign` is called by as many at once as `Capabilities.at_once` says (by a few if it says nothing),
    and not by the thread that has asked for the signer alone. `public_key` may be read by any of them. `close` is
    called once, by any thread, when no signature is under way any more. A backend is shared in the same way: several
    threads may ask it for signers at once, and each signer is used and closed apart from the others. What is not safe
    to share, such as a connection, a signer keeps for each thread or guards with a lock.

    A signer may also have ``sign_request(request: SignRequest) -> bytes``, which is called instead of `sign`: it sees
    the purpose, the authority, the draft and the deadline.

    A signer that raises `SessionOverError` is replaced by another one from `BackendSpec.load_signer`, once for each
    request, and is closed with it; unless the backend refuses the PIN then, after which it is not asked again.
    """

    @property
    def public_key(self) -> PublicKey:
        """The public half."""

    def sign(self, message: bytes, algorithm: Algorithm) -> bytes:
        """The signature over the whole message (not its digest), in the form X.509 has it.

        ECDSA: DER of ECDSA-Sig-Value (RFC 3279, section 2.2.3). RSA: as long as the modulus (RFC 8017).
        EdDSA: RFC 8410.
        """

    def close(self) -> None:
        """Give the session back. Called once."""


class RequestSigner(Signer, Protocol):
    """A signer that is told what it signs: for a key that keeps a log, or decides itself."""

    def sign_request(self, request: SignRequest) -> bytes:
        """The signature over ``request.message``, as of `Signer.sign`, which is not called then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendContext:
    """What a backend is told about its place when it is constructed.

    Attributes:
        alias: The name it is configured under.
        role: Whether it keeps keys of authorities or of OCSP responders.
        database: Opens the ledger's database, for a backend that keeps its keys there.
        environment: The variables that references in the settings are resolved with.
        shared: Sections of the settings shared by all aliases: ``storages``.
        refused_secrets: The memory of refused secrets, for a backend that shows one to a token that counts wrong ones.
        folder: Of the settings: where relative paths in them start, as options of the type `pathlib.Path` do already.
    """

    alias: str
    role: Role
    database: Callable[[], Database]
    environment: Mapping[str, str]
    shared: Mapping[str, Any]
    refused_secrets: RefusedSecrets = field(default_factory=ProcessRefusedSecrets)
    folder: Path = field(default_factory=Path.cwd)

    @property
    def section(self) -> str:
        """Where the alias stands in the settings, for messages: ``key_backends.default``."""
        return f"{SECTIONS[self.role]}.{self.alias}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WrapperContext:
    """What a wrapper is told when it is constructed: once for each alias it is put around.

    Attributes:
        alias: The alias of the key backend it wraps.
        role: The role of that alias.
        folder: As in `BackendContext`.
        environment: The variables that references in its options are resolved with.
    """

    alias: str
    role: Role
    folder: Path = field(default_factory=Path.cwd)
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateAuthority:
    """The authority a key belongs to or signs for, as far as backends and wrappers may care.

    Attributes:
        name: Its name in the ledger.
        subject: Its distinguished name (RFC 4514 form).
        public_key_info: Its public key, DER SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7), which no change of its
            name changes; None before its key was made.
    """

    name: str
    subject: str
    public_key_info: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyHandle:
    """All that a backend needs to find a key again, stored in the ledger.

    Attributes:
        version: Of the layout of `data`, the backend's own count; old versions must stay readable.
        data: JSON-serialisable, without any secret.
    """

    version: int
    data: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """The handle as the ledger stores it: a JSON object with `version` and `data`."""
        return {"version": self.version, "data": dict(self.data)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> KeyHandle:
        """Read what `to_json` has returned.

        A handle of a newer version is read, too: `anchorhold.plugin.key_backend.KeyBackend` refuses to use it.

        Raises:
            KeyError: A member is missing.
        """
        return cls(version=stored["version"], data=stored["data"])

    @classmethod
    def of_lent(cls, version: int, alias: str, handle: Mapping[str, Any]) -> KeyHandle:
        """The handle of a key that another host lends: its alias there, and its handle there as `to_json` has it."""
        return cls(version=version, data={"alias": alias, "handle": handle})

    def lent(self) -> tuple[str, KeyHandle] | None:
        """What `of_lent` was given; None if it is another handle."""
        alias, handle = self.data.get("alias"), self.data.get("handle")
        if not isinstance(alias, str) or not isinstance(handle, dict) or set(handle) != {"version", "data"}:
            return None
        return alias, KeyHandle.from_json(handle)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedKey:
    """A key that exists.

    Attributes:
        handle: Finds it again.
        public_key: Its public half.
        notes: Facts for the person who adopts it, each the end of a sentence that begins "The key that was adopted".
    """

    handle: KeyHandle
    public_key: PublicKey
    notes: tuple[str, ...] = ()


class Timed:
    """What a caller waits for until a moment.

    Attributes:
        deadline: The moment until which the answer is of use, by `time.monotonic` of this process; None if the caller
            waits as long as it takes.
    """

    __slots__ = ()

    deadline: float | None

    def seconds_left(self, most: float) -> float:
        """How long the backend may still wait, in seconds; 0.0 when the deadline has passed.

        Args:
            most: How long it would wait by itself.
        """
        return most if self.deadline is None else min(most, max(0.0, self.deadline - time.monotonic()))


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateKeyRequest(Timed):
    """A key to create.

    Attributes:
        key_id: 20 random octets drawn and recorded by core beforehand. The key must be stored under it
            (CKA_ID, file name, row key), so that `BackendSpec.find_key` finds it after a crash.
        spec: The kind of key.
        ca: The authority it will belong to.
        role: What it is for.
        options: Values of the options added by `add_cli_options`, without the secret ones; all names are there.
        audit: Who acts; None outside an installation.
        deadline: See `Timed`.
    """

    key_id: bytes
    spec: KeySpec
    ca: CertificateAuthority
    role: Role = "ca"
    options: Mapping[str, OptionValue] = field(default_factory=dict)
    audit: AuditContext | None = None
    deadline: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FindKeyRequest(Timed):
    """Keys to look for.

    Attributes:
        key_id: As in `CreateKeyRequest`; None to adopt a key by what the options say.
        options: As in `CreateKeyRequest`.
        public_key: The public half of the key that is meant, if it is known; a store that does not have it may answer
            with this one, for core has the key prove it.
        one: Whether exactly one key is of use. A store that can say what else is there raises `KeyMissingError` or
            `KeyExistsError` then, and may as well return what it found.
        audit: Who acts; None outside an installation.
        deadline: See `Timed`.
    """

    key_id: bytes | None
    options: Mapping[str, OptionValue] = field(default_factory=dict)
    public_key: PublicKey | None = None
    one: bool = False
    audit: AuditContext | None = None
    deadline: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportKeyRequest(Timed):
    """An existing private key to store.

    Attributes:
        key_id: As in `CreateKeyRequest`.
        pkcs8: Unencrypted PEM PKCS#8 (RFC 5958).
        ca: The authority it belongs to.
        role: What it is for.
        options: As in `CreateKeyRequest`.
        audit: Who acts; None outside an installation.
        deadline: See `Timed`.
    """

    key_id: bytes
    pkcs8: Secret
    ca: CertificateAuthority
    role: Role = "ca"
    options: Mapping[str, OptionValue] = field(default_factory=dict)
    audit: AuditContext | None = None
    deadline: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRequest(Timed):
    """An existing key, to be used, exported or deleted.

    Attributes:
        handle: From `CreatedKey`.
        public_key: What the ledger has recorded.
        ca: The authority it belongs to.
        role: What it is for.
        audit: Who acts; None outside an installation.
        deadline: See `Timed`.
    """

    handle: KeyHandle
    public_key: PublicKey
    ca: CertificateAuthority
    role: Role = "ca"
    audit: AuditContext | None = None
    deadline: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignRequest(Timed):
    """One signature. Every single one of a CA or OCSP key passes the hook `sign`.

    Attributes:
        message: All octets to be signed, such as the TBSCertificate.
        algorithm: How.
        purpose: What for.
        ca: The authority that signs, or whose OCSP responder does.
        draft: The certificate to be; not None exactly when the purpose is ``certificate``. Its serial number and the
            message, its TBSCertificate, are in the ledger already.
        audit: Who acts; None outside an installation.
        key_id: As in `CreateKeyRequest`, of the key that signs; None where the caller does not know it.
        facts: What a CRL, a CSR or an OCSP response says; None for other purposes.
        deadline: See `Timed`.
    """

    message: bytes
    algorithm: Algorithm
    purpose: Purpose
    ca: CertificateAuthority
    draft: Draft | None = None
    audit: AuditContext | None = None
    key_id: bytes | None = None
    facts: SigningFacts | None = None
    deadline: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OcspStore:
    """How a backend holds keys of OCSP responders, which are used unattended.

    Attributes:
        options: Passed as `CreateKeyRequest.options` for each such key.
        unattended: Names of the secrets that must resolve without a person; a configuration in which they would
            not is refused when it is read.
        generated: Names of the secrets that core draws at random for each key and keeps in the ledger. They need no
            stretching, as their `Secret.is_random` says when the key is made; `anchorhold.pkcs8` does without it.
    """

    options: Mapping[str, OptionValue] = field(default_factory=dict)
    unattended: frozenset[str] = frozenset()
    generated: frozenset[str] = frozenset()
