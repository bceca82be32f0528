"""The hooks of a key backend. Their docstrings are their documentation; each example runs in the tests.

A backend is a class, found by its entry point in the group ``anchorhold.backends``. It is constructed as
``Backend(options, context)`` once for each configured alias and role:

* ``anchorhold_api`` (class attribute): the `API_VERSION` it was written for.
* ``capabilities`` (class attribute, optional): the upper bound of what it offers.
* ``handle_version`` (class attribute, optional): the newest version of its handles, 1 if left out. Core refuses newer
  ones, which a later release has left in the ledger, before the backend is asked to use or to destroy their keys.
* ``Options`` (class attribute, optional): a pydantic model of its options in the settings, with
  ``extra="forbid"``; ``OcspOptions`` where those for OCSP keys differ. Fields that hold secrets have the type
  `SecretReference`.

``create_key`` and ``load_signer`` must be there; ``ocsp_store`` must be there for use under ``ocsp_key_backends``.
The rest is optional, and a command that needs what is missing says so. All but `add_cli_options` and `close_backend`
answer with a value and never with None.

A wrapper is a class in the group ``anchorhold.wrappers``, constructed as ``Wrapper(options, context)`` once for each
alias and role, with methods marked ``hookimpl(wrapper=True)`` only. Any hook may be wrapped. Such a method yields once
and returns what the ``yield`` gave it (`Wrapping` is its return type); it may leave out arguments it does not need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorhold.plugin.helping_hooks import HelpingSpec
from anchorhold.plugin.hook_markers import hookspec
from anchorhold.plugin.inventory import InventorySpec
from anchorhold.plugin.notices import NoticeSpec

if TYPE_CHECKING:
    from anchorhold.plugin.requests import (
        AddOption,
        CreatedKey,
        CreateKeyRequest,
        FindKeyRequest,
        ImportKeyRequest,
        KeyRequest,
        OcspStore,
        Operation,
        Secrets,
        Signer,
        SignRequest,
    )
    from anchorhold.secret import Secret


class BackendSpec(HelpingSpec, InventorySpec, NoticeSpec):
    """The hooks, in the order in which a key meets them."""

    @hookspec
    def add_cli_options(self, add: AddOption, operation: Operation) -> None:
        """Add the options a command shows for keys of this backend.

        Called when a command that creates, imports, adopts or uses keys is started or shows its help, once for
        each configured alias; so it must be quick, and must not touch keys, files or networks.

        Args:
            add: Adds one option; takes care of flag, prefix, variable and help.
            operation: ``create``, ``import``, ``adopt`` or ``use``.

        Raises:
            BackendContractError: By `add`, for a name that is taken or badly spelt.

        Example::

            class WithPassword:
                anchorhold_api = 1

                def __init__(self, options, context):
                    pass

                @hookimpl
                def add_cli_options(self, add, operation):
                    if operation in ("create", "import"):
                        add("path", help="Folder for the key.", scope="key", default="ca")
                    add("password", help="Password of the private key.", secret=True, scope="key")
        """

    @hookspec(firstresult=True)
    def create_key(self, request: CreateKeyRequest, secrets: Secrets) -> CreatedKey:  # type: ignore[empty-body]
        """Create a private key and store it under ``request.key_id``; never replace another key.

        Called by ``init-ca`` and for OCSP responder keys, after the key id was recorded in the ledger, with no
        transaction open.

        Args:
            request: The kind of key, its id and the options given.
            secrets: Secrets by the names of the options.

        Returns:
            The handle that finds the key again, and the public key.

        Raises:
            KeyExistsError: Something is stored in that place or under that label already.
            KeyUnsupportedError: The token or store does not offer such a key; says what it offers.
            BackendFailedError: The store cannot be reached or written.
            SecretMissingError, SecretWrongError: A password or PIN is missing or refused.

        Example::

            from anchorhold import software_keys
            from anchorhold.errors import KeyExistsError

            class InMemory:
                anchorhold_api = 1

                def __init__(self, options, context):
                    self.keys = {}

                @hookimpl
                def create_key(self, request, secrets):
                    name, key = request.key_id.hex(), software_keys.generate(request.spec)
                    if self.keys.setdefault(name, key) is not key:  # in one step: others may create keys meanwhile
                        raise KeyExistsError("memory: the key is there already", hint="keys are never replaced")
                    return CreatedKey(handle=KeyHandle(version=1, data={"name": name}), public_key=key.public_key())
        """

    @hookspec(firstresult=True)
    def load_signer(self, request: KeyRequest, secrets: Secrets) -> Signer:  # type: ignore[empty-body]
        """Lend a signer for a key that exists.

        Called before certificates, CRLs or OCSP responses are signed, and once after `create_key` as proof that
        the handle works. Core compares the public key and verifies every signature.

        Args:
            request: The handle and the public key that the ledger has.
            secrets: Secrets by the names of the options.

        Returns:
            An object with ``public_key``, ``sign`` and ``close``; core closes it.

        Raises:
            KeyMissingError: The key is not where the handle says.
            SecretMissingError, SecretWrongError: A password or PIN is missing or refused.
            BackendFailedError: The store cannot be reached.

        Example::

            from anchorhold import software_keys
            from anchorhold.errors import KeyMissingError

            class InMemory:
                anchorhold_api = 1

                def __init__(self, options, context):
                    self.keys = {}

                @hookimpl
                def load_signer(self, request, secrets):
                    try:
                        key = self.keys[request.handle.data["name"]]
                    except KeyError:
                        raise KeyMissingError("memory: the key is gone", hint="create a new CA") from None
                    return software_keys.SoftwareSigner(key)
        """

    @hookspec(firstresult=True)
    def ocsp_store(self) -> OcspStore:  # type: ignore[empty-body]
        """Say how this backend holds OCSP responder keys, which the server uses unattended.

        Called when an alias under ``ocsp_key_backends`` is constructed; the answer is part of the configuration
        and must not depend on anything else. The keys themselves go through the other hooks with
        ``request.role == "ocsp"``.

        Returns:
            Options for each key, secrets that must resolve unattended, secrets that core generates.

        Raises:
            SettingsError: The options of the alias do not fit keys that are used unattended.

        Example::

            class Unattended:
                anchorhold_api = 1

                def __init__(self, options, context):
                    pass

                @hookimpl
                def ocsp_store(self):
                    return OcspStore(options={"path": "ocsp"}, generated=frozenset({"password"}))
        """

    @hookspec(firstresult=True)
    def sign(self, request: SignRequest, signer: Signer) -> bytes:  # type: ignore[empty-body]
        """Make one signature. Core implements this hook; wrappers wrap it, backends leave it alone.

        Called for every single signature of a CA or OCSP responder key: certificates (also each one of a
        batch), CRLs, OCSP responses, probes. A wrapper that raises stops the signature. Several threads may be in
        here at once: a few of them share the signatures of a batch.

        Args:
            request: What is signed and why, with the whole draft of a certificate.
            signer: The signer that will do it.

        Returns:
            The signature; core verifies it before anything is recorded.

        Raises:
            RefusedError: By a wrapper, such as a policy.

        Example::

            class Counter:
                anchorhold_api = 1

                def __init__(self, options, context):
                    self.seen = []

                @hookimpl(wrapper=True)
                def sign(self, request: SignRequest) -> Wrapping[bytes]:
                    self.seen.append(request.purpose)
                    return (yield)
        """

    @hookspec(firstresult=True)
    def find_key(self, request: FindKeyRequest, secrets: Secrets) -> tuple[CreatedKey, ...]:  # type: ignore[empty-body]
        """Find keys by the id core drew for them, or by what the options say. Optional.

        Called by ``recover`` for a creation that was interrupted, and to adopt a key made by others.

        Args:
            request: The key id or, if that is None, the options.
            secrets: Secrets by the names of the options.

        Returns:
            All that match: none, one, or several when the options were not precise.

        Raises:
            OperationUnsupportedError: There is no key id, and this store keeps no keys but its own.
            BackendFailedError: The store cannot be reached: not the same as "none".

        Example::

            from anchorhold.errors import OperationUnsupportedError

            class InMemory:
                anchorhold_api = 1

                def __init__(self, options, context):
                    self.keys = {}

                @hookimpl
                def find_key(self, request, secrets):
                    if request.key_id is None:
                        raise OperationUnsupportedError("memory: has no keys to adopt", hint="use import-ca")
                    name = request.key_id.hex()
                    return tuple(
                        CreatedKey(handle=KeyHandle(version=1, data={"name": name}), public_key=key.public_key())
                        for key in [self.keys.get(name)]
                        if key is not None
                    )
        """

    @hookspec(firstresult=True)
    def import_key(self, request: ImportKeyRequest, secrets: Secrets) -> CreatedKey:  # type: ignore[empty-body]
        """Store a private key that was made elsewhere; never replace another key. Optional.

        Called by ``import-ca`` after the key was compared with the certificate and the key id recorded.

        Args:
            request: The key, unencrypted, and its id.
            secrets: Secrets by the names of the options, such as the new password.

        Returns:
            As `create_key`.

        Raises:
            OperationUnsupportedError: This store never takes keys from outside.
            KeyExistsError, KeyUnsupportedError, BackendFailedError: As `create_key`.

        Example::

            from anchorhold import pkcs8
            from anchorhold.errors import KeyExistsError

            class InMemory:
                anchorhold_api = 1

                def __init__(self, options, context):
                    self.keys = {}

                @hookimpl
                def import_key(self, request, secrets):
                    name = request.key_id.hex()
                    key = pkcs8.load_private_key(request.pkcs8.reveal_bytes(), None, "imported key")
                    if self.keys.setdefault(name, key) is not key:
                        raise KeyExistsError("memory: the key is there already", hint="keys are never replaced")
                    return CreatedKey(handle=KeyHandle(version=1, data={"name": name}), public_key=key.public_key())
        """

    @hookspec(firstresult=True)
    def export_key(self, request: KeyRequest, secrets: Secrets) -> Secret:  # type: ignore[empty-body]
        """Hand out the private key as unencrypted PEM PKCS#8. Optional: a device that never does leaves it out.

        Called to move a key to another backend.

        Args:
            request: The key.
            secrets: Secrets by the names of the options.

        Returns:
            Unencrypted PEM PKCS#8.

        Raises:
            OperationUnsupportedError: This key may not leave.
            KeyMissingError, SecretMissingError, SecretWrongError: As `load_signer`.

        Example::

            from anchorhold import pkcs8
            from anchorhold.errors import KeyMissingError

            class InMemory:
                anchorhold_api = 1

                def __init__(self, options, context):
                    self.keys = {}

                @hookimpl
                def export_key(self, request, secrets):
                    key = self.keys.get(request.handle.data["name"])
                    if key is None:
                        raise KeyMissingError("memory: the key is gone", hint="create a new CA")
                    return pkcs8.dump_pkcs8(key)
        """

    @hookspec(firstresult=True)
    def delete_key(self, request: KeyRequest, secrets: Secrets) -> bool:  # type: ignore[empty-body]
        """Destroy a key permanently. Optional.

        Called when a creation is abandoned, after a key was moved, and for old OCSP responder keys.

        Args:
            request: The key.
            secrets: Secrets by the names of the options.

        Returns:
            True if it was there, False if it was gone already.

        Raises:
            BackendFailedError: It may still be there.

        Example::

            class InMemory:
                anchorhold_api = 1

                def __init__(self, options, context):
                    self.keys = {}

                @hookimpl
                def delete_key(self, request, secrets):
                    return self.keys.pop(request.handle.data["name"], None) is not None
        """


REQUIRED_HOOKS = ("create_key", "load_signer")
"""What every key backend implements."""
OPTIONAL_HOOKS = ("ocsp_store", "find_key", "import_key", "export_key", "delete_key", "list_keys", "describe_key")
"""What a key backend may leave out; for use under ``ocsp_key_backends`` the first is required too."""
