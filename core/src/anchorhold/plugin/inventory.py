"""What a backend says of the keys in its place: which there are, where one was made, and whether it can leave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from anchorhold.plugin.hook_markers import hookspec

if TYPE_CHECKING:
    from anchorhold.plugin.requests import KeyRequest, Secrets
    from anchorhold.public_keys import PublicKey

KeyOrigin: TypeAlias = Literal["here", "elsewhere", "unknown"]
"""Where a key was made: in the place that keeps it, or brought to it; a place may not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedKey:
    """A private key in the place of an alias, of the ledger or not.

    Attributes:
        name: What a person finds it by: ``the file ca/2a….key in storage 'default'``.
        key_id: As in `CreateKeyRequest`, if the place has it.
        public_key: Its public half, if the place tells it without a password of the key.
    """

    name: str
    key_id: bytes | None = None
    public_key: PublicKey | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyDescription:
    """What the place of a key knows about it.

    Attributes:
        place: Where exactly it is, for a person.
        made: Where it was made. A place that does not keep this with the key does not know it.
        can_leave: Whether the private key can be had from there, by `BackendSpec.export_key` or otherwise; None if the
            place does not know.
    """

    place: str
    made: KeyOrigin = "unknown"
    can_leave: bool | None = None


class InventorySpec:
    """Hooks that look, and change nothing."""

    @hookspec(firstresult=True)
    def list_keys(self, secrets: Secrets) -> tuple[ListedKey, ...]:  # type: ignore[empty-body]
        """List the private keys in the place of the alias. Optional.

        Called by ``recover --orphans``. It makes nothing, not even a place that is not there. Keys of other aliases,
        other installations and other programs may be among them where they share the place; core compares key ids and
        public keys with the ledger.

        Args:
            secrets: Secrets by the names of the options; nobody is asked for one that belongs to a single key.

        Returns:
            All of them.

        Raises:
            OperationUnsupportedError: This place cannot be listed.
            BackendFailedError: It cannot be reached: not the same as "none".
            SecretMissingError, SecretWrongError: A PIN is missing or refused.

        Example::

            class InMemory:
                anchorhold_api = 1

                def __init__(self, options, context):
                    self.keys = {}

                @hookimpl
                def list_keys(self, secrets):
                    return tuple(ListedKey(name=name, key_id=bytes.fromhex(name)) for name in self.keys)
        """

    @hookspec(firstresult=True)
    def describe_key(self, request: KeyRequest, secrets: Secrets) -> KeyDescription:  # type: ignore[empty-body]
        """Say where a key is, where it was made, and whether it can leave. Optional.

        Called by ``view-ca`` once the key has signed a probe.

        Args:
            request: The key.
            secrets: Secrets by the names of the options.

        Returns:
            What the place knows.

        Raises:
            KeyMissingError, SecretMissingError, SecretWrongError, BackendFailedError: As `load_signer`.

        Example::

            from anchorhold.errors import KeyMissingError

            class InMemory:
                anchorhold_api = 1

                def __init__(self, options, context):
                    self.keys = {}

                @hookimpl
                def describe_key(self, request, secrets):
                    name = request.handle.data["name"]
                    if name not in self.keys:
                        raise KeyMissingError("memory: the key is gone", hint="create a new CA")
                    return KeyDescription(place=f"the memory of this process, as {name}", can_leave=True)
        """
