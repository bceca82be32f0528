"""Signing requests with an authority: from an order, through the profile, to a recorded certificate."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from functools import cached_property, partial
from threading import Lock
from typing import TYPE_CHECKING, Final, Self, TypeAlias, TypeVar

from anchorhold.errors import AnchorholdError
from anchorhold.ledger.group_commits import Groups, in_use
from anchorhold.operations.certificate_drafter import CertificateDrafter
from anchorhold.operations.issuance import IssuanceBatch
from anchorhold.operations.order import Issued, Refusal
from anchorhold.operations.parallel import OrderedParallel
from anchorhold.profiles.copying import not_granted
from anchorhold.x509.csr import CertificationRequest, CheckedRequest, check_csr, read_csr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from anchorhold.ledger import Ledger, Reservation
    from anchorhold.ledger.group_commits import Entry
    from anchorhold.operations.authority import Authority, Chain
    from anchorhold.operations.order import Order
    from anchorhold.operations.signing_key import SigningKey
    from anchorhold.settings import Settings
    from anchorhold.x509.csr_keys import SubjectKey
    from anchorhold.x509.draft import Draft

BATCH_SIZE: Final = 1_000
"""How many certificates share one commit."""


T = TypeVar("T")
_Request: TypeAlias = "tuple[CertificationRequest, SubjectKey]"


class Issuer:
    """An authority that signs. It holds its key from the first certificate until it is closed. Threads may share it.

    What is changed of the authority meanwhile counts for what is signed afterwards; one that is disabled signs no more.

    Args:
        ledger: Where certificates are recorded.
        settings: For the profiles.
        key: Of the authority.
        chain: Gives an authority and those above it.
        key_of: Gives the key of an authority, for one whose key was moved meanwhile.
        check: Refuses drafts that are not wanted, from the authorities above them, before anything is recorded.
    """

    def __init__(
        self,
        ledger: Ledger,
        settings: Settings,
        key: SigningKey,
        chain: Callable[[Authority], Chain],
        key_of: Callable[[Authority], SigningKey],
        check: Callable[[Chain, Draft], None] | None = None,
    ) -> None:
        self._ledger = ledger
        self._settings = settings
        self._chain = chain
        self._key_of = key_of
        self._check_draft = check
        self._keys = [key]
        self._renewing = Lock()
        self._opened = self._with(key)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def authority(self) -> Authority:
        """The authority that signs, as it was when something was signed last."""
        return self._opened.key.authority

    @property
    def is_unusual(self) -> bool:
        """Whether some program may refuse what it signs, because of the authorities above it."""
        return self._opened.is_unusual

    def sign(self, order: Order) -> Issued:
        """Sign one request: two commits, durable before the certificate is returned; threads share them.

        Raises:
            RequestInvalidError, RequestSignatureError, WeakKeyError: The request is not fit to be signed.
            NotAcceptedError: A program that must accept it refuses it.
            NameForbiddenError, SubjectInvalidError, ProfileRefusedError, ValidityError: Nor is what was ordered.
            AuthorityNotReadyError, AuthorityExpiredError, PathLengthError: The authority must not sign.
            SecretMissingError, SecretWrongError, KeyMissingError: Its key cannot be used.
            RefusedError: A wrapper refused.
        """
        if not (self._ledger.is_shared and self._opened.key.is_quick):
            return self.sign_many([order])[0]
        recorded: list[Issued] = []
        try:
            self._together.run(_Wanted(order, checked_request(order), recorded))
        except BaseException as error:
            if isinstance(error, Exception) and not isinstance(error, AnchorholdError):
                return self.sign_many([order])[0]  # what one of the group has raised; each finds out whose it is
            vars(error)["issued"] = tuple(recorded)
            raise
        return recorded[0]

    def sign_many(self, orders: Iterable[Order]) -> list[Issued]:
        """Sign many requests, a thousand to two commits; see `sign`.

        If one of them is not fit, none of its thousand is signed. If the key fails in the middle, those signed
        before it are in the ledger. What was issued before a failure is in `issued` of the exception, in order.
        """
        issued: list[Issued] = []
        try:
            self._check_ready()
            for batch in _batches(orders):
                self._sign_batch(batch, issued)
        except BaseException as error:
            vars(error)["issued"] = tuple(issued)
            raise
        return issued

    def sign_each(self, orders: Iterable[Order]) -> Iterator[Issued | Refusal]:
        """Sign many requests, each for itself: the result of each, in order, as soon as it is recorded.

        An order that is not fit, or that a wrapper refuses, is a `Refusal` and stops nothing else. Certificates share
        commits as in `sign_many`, and are recorded at least once a second. Nothing is signed while the iterator waits
        to be continued; one that is closed takes back what was not begun.

        Raises:
            AnchorholdError: The authority must not sign, or its key or the ledger failed; `issued` of the exception
                has what is recorded and was not yielded.
        """
        self._check_ready()
        for batch in _batches(orders):
            yield from self._sign_each(batch)

    def close(self) -> None:
        """Give the key back."""
        for key in self._keys:
            key.close()

    @cached_property
    def _together(self) -> _Together:
        """Threads that issue one at a time; those of a second one, made at the same moment, issue as well."""
        together = _Together(issue=self._sign_together)
        in_use.add(together)
        return together

    def _check_ready(self) -> None:
        opened = self._opened
        if opened.key.authority.record.status != "active":
            opened = self._renewed(opened)  # it may have been enabled
        opened.key.authority.check_ready()

    def _sign_batch(self, orders: Sequence[Order], issued: list[Issued]) -> None:
        """Issue the certificates of a batch, and add them; also those of a batch that fails."""
        if len(orders) == 1:
            requests = [checked_request(orders[0])]  # which needs no threads
        else:
            checking: OrderedParallel[_Request] = OrderedParallel(len(orders))
            requests = checking.run(lambda number: checked_request(orders[number]))
        batch, drafts = self._reserved(lambda opened: list(map(opened.draft, orders, requests)))
        before = len(issued)
        try:
            certificates = batch.sign_all()
            issued += [
                draft.issued(intent, der)
                for draft, intent, der in zip(drafts, batch.intents, certificates, strict=True)
            ]
        except BaseException:
            issued[before:] = [drafts[number].issued(batch.intents[number], der) for number, der in batch.recorded]
            raise

    def _sign_together(self, group: Sequence[Entry[_Wanted]]) -> None:
        """Issue what several threads want; what cannot be drafted is the error of its thread alone."""
        self._check_ready()
        fit: list[Entry[_Wanted]] = []

        def drafted(opened: _OpenAuthority) -> list[_Drafted]:
            fit.clear()
            drafts = []
            for entry in group:
                made = _or_error(partial(opened.draft, entry.item.order, entry.item.request))
                if isinstance(made, AnchorholdError):
                    entry.error = made
                else:
                    entry.error = None
                    fit.append(entry)
                    drafts.append(made)
            return drafts

        batch, drafts = self._reserved(drafted, workers=1)
        try:
            batch.sign_all()
        finally:
            for number, der in batch.recorded:
                fit[number].item.recorded.append(drafts[number].issued(batch.intents[number], der))
                fit[number].is_settled = True

    def _sign_each(self, orders: Sequence[Order]) -> Iterator[Issued | Refusal]:
        checking: OrderedParallel[_Request | AnchorholdError] = OrderedParallel(len(orders))
        requests = checking.run(lambda number: _or_error(lambda: checked_request(orders[number])))
        refusals: dict[int, Refusal] = {}

        def drafted(opened: _OpenAuthority) -> list[_Drafted]:
            refusals.clear()
            fit = []
            for number, (order, request) in enumerate(zip(orders, requests, strict=True)):
                made = (
                    request
                    if isinstance(request, AnchorholdError)
                    else _or_error(partial(opened.draft, order, request))
                )
                if isinstance(made, AnchorholdError):
                    refusals[number] = Refusal(order=order, error=made)
                else:
                    fit.append(made)
            return fit

        batch, fit = self._reserved(drafted)
        handed_out = 0
        with closing(batch.sign_each()) as outcomes:
            try:
                for number, order in enumerate(orders):
                    if number in refusals:
                        yield refusals[number]
                        continue
                    outcome = next(outcomes)
                    found: Issued | Refusal
                    if isinstance(outcome, bytes):
                        found = fit[handed_out].issued(batch.intents[handed_out], outcome)
                    else:
                        found = Refusal(order=order, error=outcome)
                    handed_out += 1
                    yield found
            except GeneratorExit:
                raise
            except BaseException as error:
                left = [
                    fit[position].issued(batch.intents[position], der)
                    for position, der in batch.recorded
                    if position >= handed_out
                ]
                vars(error)["issued"] = tuple(left)
                raise

    def _reserved(
        self, drafted: Callable[[_OpenAuthority], list[_Drafted]], workers: int | None = None
    ) -> tuple[IssuanceBatch, list[_Drafted]]:
        """Drafts that are reserved, drafted again if the authority was changed meanwhile."""
        opened = self._opened
        while True:
            drafts = drafted(opened)
            batch = IssuanceBatch(self._ledger, opened.key, [each.draft for each in drafts], workers)
            try:
                batch.reserve(partial(self._check, opened))
            except _ChangedError:
                opened = self._renewed(opened)
                opened.key.authority.check_ready()
            else:
                return batch, drafts

    def _check(self, opened: _OpenAuthority) -> None:
        """Within the transaction that reserves: what was drafted is drafted from the authority as it is."""
        record = opened.key.authority.record
        if self._ledger.authorities.held_state(record.id) != (record.status, record.revision):
            raise _ChangedError

    def _renewed(self, before: _OpenAuthority) -> _OpenAuthority:
        """The authority as it is now, with the same key unless that was moved; keys in use are not closed."""
        with self._renewing:
            if self._opened is before:
                current = before.key.authority.refreshed(self._ledger)
                key = before.key.of(current)
                if key is None:
                    key = self._key_of(current)
                    self._keys.append(key)
                self._opened = self._with(key)
            return self._opened

    def _with(self, key: SigningKey) -> _OpenAuthority:
        chain = self._chain(key.authority)
        is_unusual = chain.is_unusual
        check = None if self._check_draft is None else partial(self._check_draft, chain)
        return _OpenAuthority(key, CertificateDrafter(self._settings, chain), check, is_unusual)


@dataclass(frozen=True, slots=True)
class _OpenAuthority:
    """An authority as it was read, with its key and what makes its drafts."""

    key: SigningKey
    drafter: CertificateDrafter
    check: Callable[[Draft], None] | None
    is_unusual: bool

    def draft(self, order: Order, checked: _Request) -> _Drafted:
        """What is to be signed for an order."""
        draft = self.drafter.draft(order, *checked)
        if self.check is not None:
            self.check(draft)
        return _Drafted(checked[0], draft)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """An order of one thread, with its request, and the certificate once there is one."""

    order: Order
    request: _Request
    recorded: list[Issued]


@dataclass(slots=True, eq=False, kw_only=True)
class _Together(Groups[_Wanted]):
    """Issues for all threads that come at the same time."""

    issue: Callable[[Sequence[Entry[_Wanted]]], None]

    def work_for(self, group: Sequence[Entry[_Wanted]]) -> None:
        self.issue(group)


@dataclass(frozen=True, slots=True)
class _Drafted:
    """The draft for an order, with the request that it was made from."""

    request: CertificationRequest
    draft: Draft

    def issued(self, intent: Reservation, der: bytes) -> Issued:
        """The certificate, once it is recorded."""
        return Issued(
            der=der,
            serial=intent.serial,
            not_after=self.draft.not_after,
            not_granted=not_granted(self.request, self.draft),
        )


class _ChangedError(Exception):
    """The authority was changed since it was read."""


def checked_request(order: Order) -> tuple[CertificationRequest, SubjectKey]:
    """The request of an order and the key in it, whose signature is verified."""
    if isinstance(order.csr, CheckedRequest):
        return order.csr.request, order.csr.key
    request = read_csr(order.csr) if isinstance(order.csr, bytes) else CertificationRequest.of(order.csr)
    return request, check_csr(request)


def _or_error(make: Callable[[], T]) -> T | AnchorholdError:
    """What a function makes of an order, or what is wrong with that."""
    try:
        return make()
    except AnchorholdError as error:
        return error


def _batches(orders: Iterable[Order]) -> Iterator[list[Order]]:
    batch: list[Order] = []
    for order in orders:
        batch.append(order)
        if len(batch) == BATCH_SIZE:
            yield batch
            batch = []
    if batch:
        yield batch
