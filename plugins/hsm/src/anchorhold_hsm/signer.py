"""The signer of a key in a token: whatever happens to sessions, login or module, the next signature finds the key."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Final

from pkcs11 import Attribute
from pkcs11.exceptions import PKCS11Error

from anchorhold.algorithms import RSA_PADDINGS, SIGNATURE_SCHEMES
from anchorhold.errors import BackendFailedError, KeyMissingError, KeyUnsupportedError
from anchorhold.public_keys import spec_of
from anchorhold_hsm import objects
from anchorhold_hsm.login import check_flags
from anchorhold_hsm.return_codes import ObjectMissingError, is_vague, name_of
from anchorhold_hsm.session import KeyObject
from anchorhold_hsm.signing_mechanisms import SigningMechanisms, mechanisms_for
from anchorhold_hsm.token_capabilities import NOT_OFFERED, refused_signature

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorhold.algorithms import Algorithm
    from anchorhold.public_keys import PublicKey
    from anchorhold_hsm.handles import KeyReference
    from anchorhold_hsm.session import TokenSession
    from anchorhold_hsm.token_client import TokenClient

_NO_PIN: Final = nullcontext()


class _MechanismRefusedError(Exception):
    """The token does not have this way to sign; the text is its answer."""


class HsmSigner:
    """A `Signer` (see `anchorhold.plugin`). Threads may share it; it works in a forked child too.

    It keeps the PIN, as a `Secret`, until it is closed: a token that was away wants it again.

    Args:
        access: The way to the token.
        reference: The key.
        recorded: Its public half, as the ledger has it.
        origin: The token it was made in, for messages.

    Raises:
        KeyMissingError: The key is not in the token.
        AnchorholdError: As `TokenClient.run`.
    """

    def __init__(self, access: TokenClient, reference: KeyReference, recorded: PublicKey, origin: str) -> None:
        self._access: TokenClient | None = access
        self._reference = reference
        self._recorded = recorded
        self._subject = str(reference)
        self._origin = origin
        self._last: tuple[Algorithm | None, SigningMechanisms] = None, SigningMechanisms(())
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
            AnchorholdError: As `TokenClient.run`.
        """
        known, ways = self._last
        if known is not algorithm:
            ways = self._mechanisms_for(algorithm)
            self._last = algorithm, ways  # nearly always the same one, so it is worth a moment
        access = self._open_access()
        try:
            return access.run(self._sign, self._subject, message, ways, 0)
        except _MechanismRefusedError as refused:
            return self._sign_with_other_mechanism(access, message, algorithm, [str(refused)])
        except BackendFailedError as failed:
            if not is_vague(failed):
                raise
            return self._sign_with_other_mechanism(access, message, algorithm, [], failed)

    def close(self) -> None:
        """Forget the PIN. Sessions stay, for the next user."""
        self._access = None

    def _open_access(self) -> TokenClient:
        if self._access is None:
            raise BackendFailedError(f"{self._subject}: the signer was closed", hint="load another one")
        return self._access

    def _look_up(self, token_session: TokenSession) -> PublicKey:
        """The public half that the token has; the recorded one if it has none, which signatures will prove."""
        key, known = (
            token_session.keys.get(self._reference) or self._found(token_session),
            token_session.token.public_keys,
        )
        if self._reference not in known:
            known[self._reference] = objects.public_key_of(token_session, key.object) or self._recorded
        return known[self._reference]

    def _mechanisms_for(self, algorithm: Algorithm) -> SigningMechanisms:
        if algorithm.scheme not in self._schemes:  # some modules crash when a key is used as what it is not
            raise KeyUnsupportedError(
                f"{self._open_access().subject}, {self._subject}: such a key does not sign with {algorithm}",
                hint=f"use {' or '.join(self._schemes)}",
            )
        return mechanisms_for(algorithm)

    def _sign_with_other_mechanism(
        self,
        access: TokenClient,
        message: bytes,
        algorithm: Algorithm,
        refusals: list[str],
        unclear: BackendFailedError | None = None,
    ) -> bytes:
        """Try the other ways; `unclear` is what a token said that perhaps meant that it cannot do this."""
        ways = mechanisms_for(algorithm)
        for number in range(1, len(ways.each)):
            try:
                return access.run(self._sign, self._subject, message, ways, number)
            except _MechanismRefusedError as refused:
                refusals.append(str(refused))
            except BackendFailedError as failed:
                if not is_vague(failed):
                    raise
                unclear = failed
        if unclear is not None:
            raise unclear
        raise access.run(
            lambda token_session: refused_signature(token_session, algorithm, refusals, self._place(token_session))
        )

    def _sign(self, token_session: TokenSession, message: bytes, ways: SigningMechanisms, number: int) -> bytes:
        """Sign in the way that worked before, or in that one."""
        key = token_session.keys.get(self._reference) or self._found(token_session)
        chosen = token_session.token.chosen_mechanisms
        way = chosen.get(ways) or ways.each[number]
        try:
            with self._presenting(token_session) if key.asks_pin else _NO_PIN as pin:
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
            raise _MechanismRefusedError(f"{way.mechanism.name}: {name}") from error
        chosen[ways] = way
        return way.finish(signature)

    def _found(self, token_session: TokenSession) -> KeyObject:
        private = objects.locate(token_session, self._reference, self._recorded)
        if private is None:
            raise ObjectMissingError(
                KeyMissingError(
                    f"{self._place(token_session)}: the key is not in the token",
                    hint=f"restore it from a backup, or correct the settings: it was last seen in {self._origin}",
                )
            )
        objects.check_may_sign(private, self._place(token_session))
        asks = objects.read(private, Attribute.ALWAYS_AUTHENTICATE).get(Attribute.ALWAYS_AUTHENTICATE, False)
        found = token_session.keys[self._reference] = KeyObject(private, bool(asks))
        return found

    def _place(self, token_session: TokenSession) -> str:
        return self._open_access().describe(token_session.token, self._subject)

    @contextmanager
    def _presenting(self, token_session: TokenSession) -> Iterator[str]:
        """The PIN for this one signature; it may have been changed on the token since it was accepted."""
        credential, place = self._open_access().credential, self._place(token_session)
        if credential.pin is None:
            raise BackendFailedError(
                f"{self._subject}: the key requires the PIN for every signature, which cannot be typed at the device",
                hint="set user_pin instead of protected_auth",
            )
        with credential.presenting(token_session.token.place, place):
            check_flags(token_session.token.slot.get_token().flags, credential, place)
            yield credential.pin.reveal()
