"""The signer of a key in a token: whatever happens to sessions, login or module, the next signature finds the key."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pkcs11 import Attribute
from pkcs11.exceptions import PKCS11Error

from anchorhold.errors import BackendFailedError, KeyMissingError
from anchorhold_hsm import objects
from anchorhold_hsm.objects import KeyObject
from anchorhold_hsm.offers import NOT_OFFERED, refused_signature
from anchorhold_hsm.trouble import NotThereError, name_of
from anchorhold_hsm.ways import ways_to_sign

if TYPE_CHECKING:
    from anchorhold.algorithms import Algorithm
    from anchorhold.publickeys import PublicKey
    from anchorhold_hsm.access import Access
    from anchorhold_hsm.objects import KeyReference
    from anchorhold_hsm.pool import Worker
    from anchorhold_hsm.ways import Way


class _RefusedWayError(Exception):
    """The token does not have this way to sign; the text is its answer."""


class HsmSigner:
    """A `Signer` (see `anchorhold.seam`). Threads may share it; it works in a forked child too.

    It keeps the PIN, as a `Secret`, until it is closed: a token that was away wants it again.

    Args:
        access: The way to the token.
        reference: The key.
        recorded: Its public half, as the ledger has it.
        subject: Names the key in messages.

    Raises:
        KeyMissingError: The key is not in the token.
        AnchorholdError: As `Access.run`.
    """

    def __init__(self, access: Access, reference: KeyReference, recorded: PublicKey, subject: str) -> None:
        self._access: Access | None = access
        self._reference = reference
        self._recorded = recorded
        self._subject = subject
        self._bits: int = getattr(recorded, "key_size", 0)  # EdDSA and ML-DSA keys have one length only
        self.public_key = access.run(self._look_up, subject)

    def __repr__(self) -> str:
        return f"<signer of {self._subject}>"

    def sign(self, message: bytes, algorithm: Algorithm) -> bytes:
        """The signature over the whole message, in the form X.509 has it.

        Raises:
            KeyMissingError: The key is not in the token any more.
            KeyUnsupportedError: The token does not make such signatures; says what it lists.
            AnchorholdError: As `Access.run`.
        """
        access = self._open_access()
        ways = ways_to_sign(algorithm)
        refusals: list[str] = []
        for number in range(len(ways)):
            try:
                return access.run(partial(self._sign, bytes(message), algorithm, ways, number), self._subject)
            except _RefusedWayError as refused:
                refusals.append(str(refused))
        raise access.run(lambda worker: refused_signature(worker, algorithm, refusals, self._place(worker)))

    def close(self) -> None:
        """Forget the PIN. Sessions stay, for whoever comes next."""
        self._access = None

    def _open_access(self) -> Access:
        if self._access is None:
            raise BackendFailedError(f"{self._subject}: the signer was closed", hint="load another one")
        return self._access

    def _look_up(self, worker: Worker) -> PublicKey:
        """The public half that the token has; the recorded one if it has none, which signatures will prove."""
        key, known = worker.keys.get(self._reference) or self._found(worker), worker.token.public_keys
        if self._reference not in known:
            known[self._reference] = objects.public_key_of(worker, key.object) or self._recorded
        return known[self._reference]

    def _sign(self, message: bytes, algorithm: Algorithm, ways: tuple[Way, ...], number: int, worker: Worker) -> bytes:
        key = worker.keys.get(self._reference) or self._found(worker)
        chosen, kind = worker.token.ways, (algorithm.scheme, algorithm.hash)
        way = ways[chosen.get(kind, number)]
        more = {"pin": self._pin()} if key.asks_pin else {}
        try:
            signature = key.object.sign(
                way.prepare(message, self._bits), mechanism=way.mechanism, mechanism_param=way.parameter, **more
            )
        except PKCS11Error as error:
            name = name_of(error)
            if name not in NOT_OFFERED:
                raise
            chosen.pop(kind, None)
            raise _RefusedWayError(f"{way.mechanism.name}: {name}") from error
        chosen.setdefault(kind, number)
        return way.finish(signature)

    def _found(self, worker: Worker) -> KeyObject:
        private = objects.locate(worker, self._reference, self._recorded)
        if private is None:
            raise NotThereError(
                KeyMissingError(
                    f"{self._place(worker)}: the key is not in the token",
                    hint="restore it from a backup of the token, or correct which token the settings name",
                )
            )
        objects.check_may_sign(private, self._place(worker))
        asks = objects.read(private, Attribute.ALWAYS_AUTHENTICATE).get(Attribute.ALWAYS_AUTHENTICATE, False)
        found = worker.keys[self._reference] = KeyObject(private, bool(asks))
        return found

    def _place(self, worker: Worker) -> str:
        return self._open_access().describe(worker.token, self._subject)

    def _pin(self) -> str:
        pin = self._open_access().credential.pin
        if pin is None:
            raise BackendFailedError(
                f"{self._subject}: the key wants the PIN for every signature, which cannot be typed at the device",
                hint="set user_pin instead of protected_auth",
            )
        return pin.reveal()
