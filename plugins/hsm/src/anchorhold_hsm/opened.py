"""A token this process uses: its login, its sessions, and what it was found to be able to do."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any

from anchorhold.errors import BackendFailedError, InputError
from anchorhold_hsm.login import Login
from anchorhold_hsm.pool import Pool
from anchorhold_hsm.tokens import place_of, serial_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pkcs11 import Token

    from anchorhold.publickeys import PublicKey
    from anchorhold_hsm.handles import KeyReference
    from anchorhold_hsm.native import NativeModule
    from anchorhold_hsm.pins import Credential
    from anchorhold_hsm.pool import Worker
    from anchorhold_hsm.tokens import TokenChoice
    from anchorhold_hsm.ways import Way, Ways


class OpenedToken:
    """Shared by all aliases that mean this token; lives until its module is initialised anew.

    Args:
        native: The module.
        token: As python-pkcs11 has it.
        attributes: What a PKCS#11 URI may say about it.
        max_sessions: How many sessions may sign at once.
        generation: The initialisation of the module it belongs to.

    Attributes:
        label: Of the token.
        serial: Its serial number.
        place: Names it for all processes and hosts.
        native: The module.
        generation: The initialisation of the module it belongs to.
        slot: The slot it is in.
        chosen_ways: Of all ways to make a kind of signature the one that worked.
        pool: Sessions for those who were admitted.
        accepted: Digest of the credential that the token let in; None if that is to be found out again.
        is_security_officer: Whether that was the security officer's, who has only sessions that can write.
        public_keys: Of private keys that were looked up.
    """

    def __init__(
        self, native: NativeModule, token: Token, attributes: Mapping[str, str], max_sessions: int, generation: int
    ) -> None:
        self.label = token.label
        self.serial = serial_of(token)
        self.place = place_of(token)
        self.native = native
        self.generation = generation
        self.slot = token.slot
        self.chosen_ways: dict[Ways, Way] = {}
        self.public_keys: dict[KeyReference, PublicKey] = {}
        subject = f"token {token.label!r}"
        self._login = Login(native, token)
        self.pool = Pool(self, token, max_sessions, subject)
        self._subject = subject
        self._attributes = attributes
        self._admitting = Lock()
        self.accepted: bytes | None = None
        self.is_security_officer = False

    def admit(self, credential: Credential, subject: str) -> None:
        """Make sure that we are logged in, and that this PIN is the right one.

        Args:
            credential: As whom, and the PIN.
            subject: Alias and token, for the messages.

        Raises:
            SecretWrongError, BackendFailedError, PKCS11Error: As `Login.admit`.
        """
        with self._admitting:
            self._login.admit(credential, self._make_way, subject)
            self.accepted = credential.digest
            self.is_security_officer = credential.kind == "so"

    def reopen(self) -> None:
        """Forget idle sessions, and find out about the login again."""
        with self._admitting:
            self.accepted = None
        self.pool.clear()

    def limit(self, max_sessions: int) -> None:
        """Lower the number of sessions, if it is higher."""
        self.pool.limit(max_sessions)

    def logged_in(self, worker: Worker) -> bool:
        """Whether private keys are visible; raises if the session is gone.

        Raises:
            PKCS11Error: It is gone.
        """
        return self.native.is_logged_in(worker.session.handle)

    def check_is(self, choice: TokenChoice, subject: str) -> None:
        """Refuse a URI that names another token.

        Raises:
            InputError: It does.
        """
        if not choice.fits(self._attributes):
            raise InputError(
                f"{subject}: the URI names a token with {choice}, and this is {self.label!r}",
                hint="use the alias of that token, or leave the token out of the URI",
            )

    def mechanisms(self) -> list[Any]:
        """What the token says it can do: a hint, not the truth."""
        return sorted(self.slot.get_mechanisms())

    def _make_way(self) -> None:
        """Log out for the other kind of user, if nobody is in the middle of something."""
        if self.pool.busy:
            raise BackendFailedError(
                f"{self._subject}: user and security officer cannot be logged in at once",
                hint="use their PINs in separate processes",
            )
        self.accepted = None
        self.pool.clear()
