"""A token this process uses: its login, its sessions, and what it was found to be able to do."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from anchorhold.errors import BackendFailedError
from anchorhold_hsm.login import Login
from anchorhold_hsm.session_pool import SessionPool
from anchorhold_hsm.token_state import TokenState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pkcs11 import Token

    from anchorhold_hsm.cryptoki import CryptokiModule
    from anchorhold_hsm.pins import Credential


class OpenToken(TokenState):
    """Its login and its sessions; shared by all aliases that mean this token.

    Args:
        native: The module.
        token: As python-pkcs11 has it.
        attributes: What a PKCS#11 URI may say about it.
        max_sessions: How many sessions may sign at once.
        generation: The initialisation of the module it belongs to.

    Attributes:
        pool: Sessions for those who were admitted.
    """

    def __init__(
        self, native: CryptokiModule, token: Token, attributes: Mapping[str, str], max_sessions: int, generation: int
    ) -> None:
        super().__init__(native, token, attributes, generation)
        self._subject = f"token {self.label!r}"
        self._login = Login(native, token)
        self.pool = SessionPool(self, token, max_sessions, self._subject)
        self._login_lock = Lock()

    def ensure_logged_in(self, credential: Credential, subject: str) -> None:
        """Make sure that we are logged in, and that this PIN is the right one.

        Args:
            credential: As whom, and the PIN.
            subject: Alias and token, for the messages.

        Raises:
            SecretWrongError, BackendFailedError, PKCS11Error: As `Login.ensure_logged_in`.
        """
        with self._login_lock:
            self._login.ensure_logged_in(credential, self._log_out_other, subject)
            self.accepted = credential.digest
            self.is_security_officer = credential.kind == "so"

    def reopen(self) -> None:
        """Forget idle sessions, and find out about the login again."""
        with self._login_lock:
            self.accepted = None
        self.pool.clear()

    def limit(self, max_sessions: int) -> None:
        """Lower the number of sessions, if it is higher."""
        self.pool.limit(max_sessions)

    def _log_out_other(self) -> None:
        """Log out for the other kind of user, if nobody is in the middle of something."""
        if self.pool.busy:
            raise BackendFailedError(
                f"{self._subject}: user and security officer cannot be logged in at once",
                hint="use their PINs in separate processes",
            )
        self.accepted = None
        self.pool.clear()
