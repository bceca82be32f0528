"""The signer of a key in a token: whatever happens to sessions, login or module, the next signature finds the key."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Final

from pkcs11 import Attribute
from pkcs11.exceptions import PKCS11Error

from anchorhold.algorithms import RSA_PADDINGS, SIGNATURE_SCHEMES
from anchorhold.errors import BackendFailedError, KeyMissingError, KeyUnsupportedError
from anchorhold.publickeys import spec_of
from anchorhold_hsm import objects
from anchorhold_hsm.login import check_flags
from anchorhold_hsm.offers import NOT_OFFERED, refused_signature
from anchorhold_hsm.session import KeyObject
from anchorhold_hsm.trouble import NotThereError, is_vague, name_of
from anchorhold_hsm.ways import Ways, ways_to_sign

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorhold.algorithms import Algorithm
    from anchorhold.publickeys import PublicKey
    from anchorhold_hsm.access import Access
    from anchorhold_hsm.handles import KeyReference
    from anchorhold_hsm.session import Worker

_NO_PIN: Final = nullcontext()


class _RefusedWayError(Exception):
    """The token does not have this way to sign; the text is its answer."""


class HsmSigner:
    """A `Signer` (see `anchorhold.seam`). Threads may share it; it works in a forked child too.

    It keeps the PIN, as a `Secret`, until it is closed: a token that was away wants it again.

    Args:
        access: The way to the token.
        reference: The key.
        recorded: Its public half, as the ledger has it.
        origin: The token it was made in, for messages.

    Raises:
        KeyMissingError: The key is not in the token.
        AnchorholdError: As `Access.run`.
    """

    def __init__(self, access: Access, reference: KeyReference, recorded: PublicKey, origin: str) -> None:
        self._access: Access | None = access
        self._reference = reference
        self._recorded = recorded
        self._subject = str(reference)
        self._origin = origin
        self._last: tuple[Algorithm | None, Ways] = None, Ways(())
        kind = spec_of(recorded).type
        self._schemes = tuple(RSA_PADDINGS.values()) if kind == "RSA" else (SIGNATURE_SCHEMES[kind],)
        self._bits: int = getattr(recorded, "key_size", 0)  # EdDSA and ML-DSA keys have one length only
        self.public_key = access.run(self._look_up, self._subject)

    def __repr__(self) -> str:
        return f"<signer of {self._subject}>"

    def sign(self, message: bytes, algorithm: Algorithm) -> bytes:
        """The signature over the whole message, in the form X.509 has it.

        Raises:
            KeyMissingError: The key is not in the token any more.
            KeyUnsupportedError: The token does not make such signatures; says what it lists.
            AnchorholdError: As `Access.run`.
        """
        known, ways = self._last
        if known is not algorithm:
            ways = self._ways_for(algorithm)
            self._last = algorithm, ways  # nearly always the same one, so it is worth a moment
        access = self._open_access()
        try:
            return access.run(self._sign, self._subject, message, ways, 0)
        except _RefusedWayError as refused:
            return self._sign_otherwise(access, message, algorithm, [str(refused)])
        except BackendFailedError as failed:
            if not is_vague(failed):
                raise
            return self._sign_otherwise(access, message, algorithm, [], failed)

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

    def _ways_for(self, algorithm: Algorithm) -> Ways:
        if algorithm.scheme not in self._schemes:  # some modules crash when a key is used as what it is not
            raise KeyUnsupportedError(
                f"{self._open_access().subject}, {self._subject}: such a key does not sign with {algorithm}",
                hint=f"use {' or '.join(self._schemes)}",
            )
        return ways_to_sign(algorithm)

    def _sign_otherwise(
        self,
        access: Access,
        message: bytes,
        algorithm: Algorithm,
        refusals: list[str],
        unclear: BackendFailedError | None = None,
    ) -> bytes:
        """Try the other ways; `unclear` is what a token said that perhaps meant that it cannot do this."""
        ways = ways_to_sign(algorithm)
        for number in range(1, len(ways.each)):
            try:
                return access.run(self._sign, self._subject, message, ways, number)
            except _RefusedWayError as refused:
                refusals.append(str(refused))
            except BackendFailedError as failed:
                if not is_vague(failed):
                    raise
                unclear = failed
        if unclear is not None:
            raise unclear
        raise access.run(lambda worker: refused_signature(worker, algorithm, refusals, self._place(worker)))

    def _sign(self, worker: Worker, message: bytes, ways: Ways, number: int) -> bytes:
        """Sign in the way that worked before, or in that one."""
        key = worker.keys.get(self._reference) or self._found(worker)
        chosen = worker.token.chosen_ways
        way = chosen.get(ways) or ways.each[number]
        try:
            with self._presenting(worker) if key.asks_pin else _NO_PIN as pin:
                signature = key.object.sign(
                    way.prepare(bytes(message), self._bits),
                    mechanism=way.mechanism,
                    mechanism_param=way.parameter,
                    pin=pin,
                )
        except PKCS11Error as error:
            name = name_of(error)
            if name not in NOT_OFFERED:
                raise
            chosen.pop(ways, None)
            raise _RefusedWayError(f"{way.mechanism.name}: {name}") from error
        chosen[ways] = way
        return way.finish(signature)

    def _found(self, worker: Worker) -> KeyObject:
        private = objects.locate(worker, self._reference, self._recorded)
        if private is None:
            raise NotThereError(
                KeyMissingError(
                    f"{self._place(worker)}: the key is not in the token",
                    hint=f"restore it from a backup, or correct the settings: it was last seen in {self._origin}",
                )
            )
        objects.check_may_sign(private, self._place(worker))
        asks = objects.read(private, Attribute.ALWAYS_AUTHENTICATE).get(Attribute.ALWAYS_AUTHENTICATE, False)
        found = worker.keys[self._reference] = KeyObject(private, bool(asks))
        return found

    def _place(self, worker: Worker) -> str:
        return self._open_access().describe(worker.token, self._subject)

    @contextmanager
    def _presenting(self, worker: Worker) -> Iterator[str]:
        """The PIN for this one signature; it may have been changed on the token since it was accepted."""
        credential, place = self._open_access().credential, self._place(worker)
        if credential.pin is None:
            raise BackendFailedError(
                f"{self._subject}: the key wants the PIN for every signature, which cannot be typed at the device",
                hint="set user_pin instead of protected_auth",
            )
        with credential.presenting(worker.token.place, place):
            check_flags(worker.token.slot.get_token().flags, credential, place)
            yield credential.pin.reveal()
