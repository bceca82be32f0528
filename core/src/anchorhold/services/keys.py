"""The private keys of authorities: checking and moving them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorhold.errors import AnchorholdError, SecretWrongError
from anchorhold.operations.by_alias import by_alias
from anchorhold.operations.key_check import KeyStatus, check_key
from anchorhold.operations.key_origin import described
from anchorhold.operations.move_key import move_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from anchorhold.operations.authority import Authority
    from anchorhold.operations.signing_key import SigningKey
    from anchorhold.plugin.backend_options import OptionValues
    from anchorhold.plugin.inventory import KeyDescription
    from anchorhold.services.context import GivenSecrets, ServiceContext


class KeyService:
    """The keys of an installation's authorities.

    Args:
        context: Shared by all services.
    """

    def __init__(self, context: ServiceContext) -> None:
        self._context = context

    def get(
        self, authority: str | Authority, secrets: GivenSecrets = None, *, ask: bool = True, flags: bool = True
    ) -> SigningKey:
        """The key of an authority; its backend is asked when it is first used.

        Args:
            authority: Whose.
            secrets: For it, by name.
            ask: Whether a person may be asked, if there is one.
            flags: Whether a message about a missing secret may name a command-line flag.
        """
        return self._context.key_of(self._context.authority(authority), secrets, ask=ask, flags=flags)

    def check(self, authority: str | Authority, secrets: GivenSecrets = None) -> KeyStatus:
        """Whether the key of an authority can be used now, without asking for a secret.

        A backend that is gone, or an alias that is not configured any more, is a reason why it cannot.
        """
        context = self._context.asking_once()
        found = context.authority(authority)
        try:
            key = context.key_of(found, secrets, ask=False)
        except AnchorholdError as error:
            return KeyStatus("unusable", error)
        return check_key(key)

    def check_all(self, authorities: Sequence[Authority]) -> Iterator[tuple[Authority, KeyStatus]]:
        """The same for many, in order; several aliases are asked at once.

        A PIN or password that an alias has refused is not tried again, and one that has failed after a while is not
        asked again.
        """
        refused: dict[str, SecretWrongError] = {}

        def check(authority: Authority) -> KeyStatus:
            alias = authority.record.key_backend
            if alias in refused:
                return KeyStatus("unchecked", refused[alias])
            found = self.check(authority)
            if isinstance(found.problem, SecretWrongError):
                refused[alias] = found.problem
            return found

        return by_alias(authorities, check, self._context.access.close)

    def describe(self, authority: str | Authority, secrets: GivenSecrets = None) -> KeyDescription | None:
        """Where the key of an authority is, where it was made, and whether it can leave; nobody is asked for a secret.

        What the backend does not know about its origin is taken from the history of the ledger.

        Args:
            authority: Whose.
            secrets: For its key, by name.

        Returns:
            None if the backend does not describe keys.

        Raises:
            AnchorholdError: It cannot be found out.
        """
        found = self._context.authority(authority)
        key = self._context.asking_once().key_of(found, secrets, ask=False)
        return described(self._context.ledger, key)

    def move(
        self,
        authority: str | Authority,
        to: str,
        *,
        options: OptionValues | None = None,
        secrets: GivenSecrets = None,
        source_secrets: GivenSecrets = None,
        delete_source: bool = False,
    ) -> Authority:
        """Move the key of an authority to another key backend.

        Args:
            authority: Whose key.
            to: Alias of the other backend.
            options: Of that backend, by name.
            secrets: Of that backend, by name.
            source_secrets: For the key where it is.
            delete_source: Whether it is destroyed in its old place at last.

        Raises:
            AnchorholdError: See `anchorhold.operations.move_key.move_key`.
        """
        context = self._context
        found = context.authority(authority)
        source = context.place(found.record.key_backend, "use", source_secrets)
        target = context.place(to, "import", secrets, options)
        return move_key(context.ledger, found, source, target, delete_source=delete_source)

    def forget_refused_pins(self) -> int:
        """Forget which PINs were refused, so that each is tried once more; returns how many there were."""
        if not self._context.access.exists:
            return 0
        with self._context.ledger.transaction():
            return self._context.ledger.refusals.forget_all()
