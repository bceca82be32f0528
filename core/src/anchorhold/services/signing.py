"""Signing for another process: a worker that has the keys, and is sent what that process has reserved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorhold.operations.worker import ReservedCertificate, find_reserved, sign_reserved
from anchorhold.services.context import wrapped

if TYPE_CHECKING:
    from anchorhold.plugin.requests import KeyHandle
    from anchorhold.services.context import GivenSecrets, ServiceContext


class SigningService:
    """What a worker needs that has the keys of authorities which another process uses. It records nothing.

    Args:
        context: Shared by all services.
    """

    def __init__(self, context: ServiceContext) -> None:
        self._context = context

    def find(self, public_key_info: bytes, tbs: bytes) -> ReservedCertificate:
        """The reservation of exactly these octets, with its draft.

        Args:
            public_key_info: Of the authority, DER SubjectPublicKeyInfo, from ``request.ca.public_key_info``.
            tbs: TBSCertificate, in DER, from ``request.message``.

        Raises:
            UnknownAuthorityError: No authority has that key.
            InputError: It is not reserved, or what is reserved is something else.
        """
        return find_reserved(self._context.ledger, self._context.authorities(), public_key_info, tbs)

    def sign(
        self,
        reserved: ReservedCertificate,
        alias: str | None = None,
        handle: KeyHandle | None = None,
        secrets: GivenSecrets = None,
    ) -> bytes:
        """The signature over a reserved certificate; backend and wrappers of the alias see its draft.

        Args:
            reserved: From `find`.
            alias: Where the key is; by default where the ledger says, by the settings of this process.
            handle: Finds the key there; by default the one that the ledger has.
            secrets: For the key, by name; nobody is asked.

        Raises:
            AnchorholdError: See `anchorhold.operations.worker.sign_reserved`.
        """
        context = self._context
        place = alias or reserved.authority.record.key_backend
        resolver = context.backends.secrets(place, wrapped(secrets), operation="use", ask=False, flags=False)
        return sign_reserved(context.ledger, reserved, context.backend(place), resolver, handle)
