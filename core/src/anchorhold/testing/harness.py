"""One configured alias on the bench: its hooks called as core calls them, but without core's checks around them.

So each answer reaches the rule that judges it, and a wrong one does not fail every test that happens to come by.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeVar

from anchorhold.errors import BackendBusyError
from anchorhold.installation import Installation
from anchorhold.plugin import (
    Capabilities,
    CertificateAuthority,
    CreatedKey,
    CreateKeyRequest,
    FindKeyRequest,
    ImportKeyRequest,
    KeyRequest,
    Secret,
)
from anchorhold.plugin.backend_options import options_of
from anchorhold.plugin.retries import patience_end, retried
from anchorhold.plugin.secret_resolver import GeneratedSecrets
from anchorhold.public_keys import is_signed_by, spec_of, spki
from anchorhold.settings import load_settings
from anchorhold.testing.key_kinds import algorithms, simplest
from anchorhold.testing.secret_values import SecretValues

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from anchorhold.algorithms import Algorithm, KeySpec
    from anchorhold.plugin import KeyDescription, ListedKey, Operation, Role, Secrets, Signer
    from anchorhold.plugin.backend_options import OptionValues
    from anchorhold.plugin.key_backend import KeyBackend

T = TypeVar("T")

CA = CertificateAuthority(name="Contract", subject="CN=Contract")
"""The authority whose keys are used."""
MESSAGE = b"a message of the contract"


def authority_of(key_id: bytes) -> CertificateAuthority:
    """The authority that a key is made for: each has a name of its own, as in a ledger, even if ids are similar."""
    return CertificateAuthority(name=f"Contract {sha256(key_id).hexdigest()[:12]}", subject="CN=Contract")


def environment() -> dict[str, str]:
    """The variables of this process, without those that would choose other settings or give secrets."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ANCHORHOLD_")}


def until_free(ask: Callable[[], T]) -> T:
    """What a backend answers; where it is busy it is asked again, as by core."""
    try:
        return ask()
    except BackendBusyError as busy:
        return retried(ask, busy, patience_end(time.monotonic(), None, ocsp=False))


@contextmanager
def closed_afterwards(*signers: Signer) -> Iterator[Signer]:
    """Lend the first of some signers, and close them all; whether that fails is the matter of another rule."""
    try:
        yield signers[0]
    finally:
        for signer in signers:
            with suppress(Exception):
                signer.close()


@dataclass(kw_only=True)
class Harness:
    """One alias, with a backend of its own: two benches share nothing in memory.

    Attributes:
        config: The settings file.
        alias: Its name in there.
        role: What its keys are for.
        offered: What this instance offers.
        given_secrets: Values of secrets as they would be given on the command line, by name.
        key_options: Options of new keys; the others have their defaults.
        questions: What a person would have been asked.
        made: Keys made here, or told of by other processes; `clean` destroys them.
    """

    config: Path
    alias: str = "default"
    role: Role = "ca"
    offered: Capabilities = field(default_factory=Capabilities)
    given_secrets: SecretValues = field(default_factory=SecretValues)
    key_options: Mapping[str, Any] = field(default_factory=dict)
    questions: list[str] = field(default_factory=list)
    made: list[CreatedKey] = field(default_factory=list, init=False, repr=False)
    _others: list[Harness] = field(default_factory=list, init=False, repr=False)

    def fresh(self, *, alias: str | None = None, role: Role | None = None) -> Harness:
        """The same with a backend of its own, or another alias of the same settings; cleaned up with this one."""
        other = Harness(
            config=self.config,
            alias=alias or self.alias,
            role=role or self.role,
            offered=self.offered,
            given_secrets=self.given_secrets,
            key_options=self.key_options,
        )
        self._others.append(other)
        return other

    @cached_property
    def installation(self) -> Installation:
        """The settings and the ledger; a person who is asked gives an empty answer."""
        variables = environment()
        return Installation.of(load_settings(self.config, variables), variables, self._ask)

    def _ask(self, question: str) -> Secret:
        self.questions.append(question)
        return Secret("")

    def clean(self) -> None:
        """Destroy all keys that were made, where the backend can, for devices are small and services cost money."""
        for other in self._others:
            other.clean()
        for created in self.made if self.made and self.backend.supports("delete_key") else ():
            with suppress(Exception):  # it may be gone already, or the backend is faulty
                self.delete(created)
        self.close()

    def close(self) -> None:
        """Close the ledger, if it was opened."""
        if "installation" in self.__dict__:
            self.installation.close()

    @cached_property
    def backend(self) -> KeyBackend:
        """The alias with core's checks."""
        return self.installation.backends.get(self.alias, self.role)

    @property
    def instance(self) -> Any:
        """The backend itself."""
        names = dict(self.backend.manager.list_name_plugin())
        return names[f"key backend {self.alias}"]

    @property
    def packages(self) -> frozenset[str]:
        """The names of the packages that the backend's distribution brings."""
        plugin = self.backend.identity.plugin.entry_point
        files = plugin.dist.files if plugin.dist is not None else None
        brought = {str(path.parts[0]).removesuffix(".py") for path in files or ()}
        return frozenset({plugin.module.partition(".")[0], *brought} - {"anchorhold"})

    def call(self, hook: str, **arguments: Any) -> Any:
        """Call a hook without core's checks; where the backend is busy it is asked again, as by core."""
        return until_free(lambda: getattr(self.backend.manager.hook, hook)(**arguments))

    def secrets(self, operation: Operation = "use", given: SecretValues | None = None) -> Secrets:
        """The secrets for one operation, by default those that open its keys.

        Raises:
            SecretMissingError: A new key is given an empty one.
        """
        values = {name: Secret(value) for name, value in (self.given_secrets if given is None else given).items()}
        if self.role == "ocsp":
            return GeneratedSecrets(values, self.installation.backends.ocsp_secrets(self.alias))
        return self.installation.backends.secrets(self.alias, values, operation=operation)

    def options(self, operation: Operation = "create") -> OptionValues:
        """All options of a new key."""
        if self.role == "ocsp":
            return self.backend.ocsp_store().options
        return self.installation.backends.options(self.alias, operation, self.key_options)

    @property
    def kind(self) -> KeySpec:
        """The kind of key for tests to which it does not matter."""
        return simplest(self.offered)

    def create(
        self, kind: KeySpec | None = None, key_id: bytes | None = None, given: SecretValues | None = None
    ) -> CreatedKey:
        """A new key, by default of the simplest kind and under an id of its own."""
        key_id = key_id or os.urandom(20)
        request = CreateKeyRequest(
            key_id=key_id,
            spec=kind or self.kind,
            ca=authority_of(key_id),
            role=self.role,
            options=self.options(),
        )
        created: CreatedKey = self.call("create_key", request=request, secrets=self.secrets("create", given))
        self.made.append(created)
        return created

    def import_key(self, pkcs8: Secret, key_id: bytes | None = None) -> CreatedKey:
        """A key that was made elsewhere."""
        key_id = key_id or os.urandom(20)
        request = ImportKeyRequest(
            key_id=key_id, pkcs8=pkcs8, ca=authority_of(key_id), role=self.role, options=self.options("import")
        )
        created: CreatedKey = self.call("import_key", request=request, secrets=self.secrets("import"))
        self.made.append(created)
        return created

    def find(self, key_id: bytes | None, options: OptionValues | None = None) -> tuple[CreatedKey, ...]:
        """The keys of that id; without one, those that the options describe."""
        if options is None:
            options = self.options() if key_id is not None else self.options("adopt")
        secrets = self.secrets("use" if key_id is not None else "adopt")
        found: tuple[CreatedKey, ...] = self.call(
            "find_key", request=FindKeyRequest(key_id=key_id, options=options), secrets=secrets
        )
        return found

    def request(self, created: CreatedKey) -> KeyRequest:
        """For what is done with a key that exists."""
        return KeyRequest(handle=created.handle, public_key=created.public_key, ca=CA, role=self.role)

    def load(self, created: CreatedKey, given: SecretValues | None = None) -> Signer:
        """A signer."""
        signer: Signer = self.call("load_signer", request=self.request(created), secrets=self.secrets("use", given))
        return signer

    def export(self, created: CreatedKey, given: SecretValues | None = None) -> Secret:
        """The private key itself."""
        secrets = self.secrets("use", given)
        exported: Secret = self.call("export_key", request=self.request(created), secrets=secrets)
        return exported

    def delete(self, created: CreatedKey) -> bool:
        """Destroy a key."""
        gone: bool = self.call("delete_key", request=self.request(created), secrets=self.secrets())
        return gone

    @property
    def shared_secrets(self) -> SecretValues:
        """Those of the secrets that serve every key of the alias."""
        of_one = {option.name for option in options_of(self.backend, "use") if option.scope == "key"}
        return SecretValues({name: value for name, value in self.given_secrets.items() if name not in of_one})

    def listed(self, given: SecretValues | None = None) -> tuple[ListedKey, ...]:
        """The keys in the place of the alias; as for core, nobody is asked for a secret."""
        values = {name: Secret(value) for name, value in (self.given_secrets if given is None else given).items()}
        secrets = self.installation.backends.secrets(self.alias, values, operation="use", ask=False)
        listed: tuple[ListedKey, ...] = self.call("list_keys", secrets=secrets)
        return listed

    def described(self, created: CreatedKey) -> KeyDescription:
        """What the place says of a key."""
        described: KeyDescription = self.call("describe_key", request=self.request(created), secrets=self.secrets())
        return described

    def lent(self, created: CreatedKey, given: SecretValues | None = None) -> AbstractContextManager[Signer]:
        """A signer that is closed afterwards; whether that fails is the matter of another rule."""
        return closed_afterwards(self.load(created, given))

    def truth(self, created: CreatedKey) -> bytes:
        """The public key of the key that signs, as DER SubjectPublicKeyInfo, whatever was answered about it."""
        with self.lent(created) as signer:
            return spki(signer.public_key)

    def signs(self, signer: Signer, message: bytes = MESSAGE, algorithm: Algorithm | None = None) -> bool:
        """Whether the signer signs a message so that its own public key verifies it."""
        algorithm = algorithm or algorithms(spec_of(signer.public_key), self.offered)[0]
        signature = until_free(lambda: signer.sign(message, algorithm))
        return is_signed_by(signer.public_key, signature, message, algorithm)

    def use(self, created: CreatedKey, given: SecretValues | None = None) -> bool:
        """Whether a key can be used: a signer for it signs."""
        with self.lent(created, given) as signer:
            return self.signs(signer)

    def usable(self, created: CreatedKey, given: SecretValues | None = None) -> bool:
        """Whether a key signs; how it fails is the matter of other rules."""
        try:
            return self.use(created, given)
        except Exception:
            return False

    def exportable(self, created: CreatedKey, given: SecretValues | None = None) -> bool:
        """Whether a key is handed out; how it fails is the matter of other rules, and so is what is handed out."""
        if not self.backend.supports("export_key"):
            return False
        try:
            self.export(created, given)
        except Exception:
            return False
        return True
