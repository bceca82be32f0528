"""What can be done at the desk, by whom: each act is checked against the roles and then done by a service of core.

Pages and REST only translate. Whatever is forbidden is recorded before it is refused.
"""

from __future__ import annotations

from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

from anchorhold.errors import BusyError, InputError, UnknownAuthorityError
from anchorhold.ledger.audits import HistoryFilter
from anchorhold_desk.accounts import Accounts
from anchorhold_desk.answers import Answers
from anchorhold_desk.approvals import Approvals
from anchorhold_desk.desk_errors import MissingError, WrongStateError
from anchorhold_desk.entries import OPEN, PAGE, DeskCertificate, DeskRequest
from anchorhold_desk.events import DeskEvent, Kind, events_before, record
from anchorhold_desk.logins import Logins, SessionLimits
from anchorhold_desk.rights import Rights
from anchorhold_desk.roles import EVERY_AUTHORITY, Act
from anchorhold_desk.secrets_at_rest import Sealed
from anchorhold_desk.settings import database_url, key_file
from anchorhold_desk.store import Store, give_back
from anchorhold_desk.tokens import Tokens
from anchorhold_desk.views import Views

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from anchorhold.installation import Installation
    from anchorhold.ledger import CertificateRecord
    from anchorhold.ledger.certificates import CertificateFilter
    from anchorhold.ledger.records import RequestRecord, RequestStatus
    from anchorhold.operations.authority import Authority
    from anchorhold.operations.order import Order
    from anchorhold.operations.requests import Preview
    from anchorhold.services.context import GivenSecrets
    from anchorhold.services.history import HistoryEntry
    from anchorhold_desk.identity import Identity
    from anchorhold_desk.settings import DeskSettings


class Desk:
    """A desk, opened.

    Args:
        installation: With the ledger and the keys.
        settings: Of the desk.
    """

    def __init__(self, installation: Installation, settings: DeskSettings) -> None:
        self.settings = settings
        self._installation = installation
        self._store = Store(database_url(installation, settings))
        sealed = Sealed(key_file(installation, settings))
        self.accounts = Accounts(self._store)
        self.approvals = Approvals(self._store)
        self.answers = Answers(self._store)
        self.tokens = Tokens(self._store)
        self.logins = Logins(self._store, sealed, SessionLimits(settings.idle, settings.session))

    def acting(self, identity: Identity, correlation_id: str | None = None) -> ActingDesk:
        """The same for someone who acts; arguments as for `ActingDesk`."""
        return ActingDesk(self, self._installation.as_actor(identity.actor(), correlation_id), identity, correlation_id)

    def note(self, kind: Kind, identity: Identity, **detail: object) -> None:
        """Record that something happened."""
        with self._store.transaction() as tables:
            record(tables, kind, identity.name, identity.origin, **detail)

    def events(self, before: int | None, limit: int) -> Sequence[DeskEvent]:
        """A page of what happened, the newest first."""
        with self._store.transaction() as tables:
            return events_before(tables, before, limit)

    def give_back(self) -> None:
        """At the end of a request: let other threads use the connections of this one to a server."""
        give_back(self._store.database)
        give_back(self._installation.ledger.database)

    def close(self) -> None:
        """Close the connections of this thread, and those that no thread uses."""
        self._store.close()
        self._installation.close()


class ActingDesk(Rights):
    """What someone can do. Every method raises `ForbiddenError` if the roles do not allow it.

    Args:
        desk: The desk.
        installation: For this actor.
        identity: Who acts.
        correlation_id: By which the history finds again what was done; None if it need not.
    """

    def __init__(
        self, desk: Desk, installation: Installation, identity: Identity, correlation_id: str | None = None
    ) -> None:
        super().__init__(identity, desk.note)
        self._desk = desk
        self._correlation_id = correlation_id
        self._installation = installation

    @cached_property
    def views(self) -> Views:
        """More about what was handed out here."""
        return Views(self._installation)

    @cached_property
    def _names(self) -> Mapping[int, str]:
        """Names of all authorities by row number."""
        return {found.record.id: found.name for found in self._installation.authorities.list()}

    def authorities(self, act: Act = Act.VIEW) -> Sequence[Authority]:
        """Those on which an act is allowed."""
        return [found for found in self._installation.authorities.list() if self.identity.may(act, found.name)]

    def authority(self, name: str, act: Act = Act.VIEW) -> Authority:
        """One of them, by its whole name.

        Raises:
            UnknownAuthorityError: There is none of that name.
        """
        self._require(act, name)
        for found in self._installation.authorities.list():
            if found.name == name:  # not what only begins with it: roles are granted by whole names
                return found
        raise UnknownAuthorityError(f"authority {name!r}: is not known", hint="look it up in the list of authorities")

    def name_of(self, number: int) -> str:
        """The name of an authority by its row number, which links have.

        Raises:
            UnknownAuthorityError: There is none.
        """
        if number not in self._names:
            raise UnknownAuthorityError("authority: does not exist", hint="look it up in the list")
        return self._names[number]

    def generate_crls(self, name: str, secrets: GivenSecrets = None) -> int:
        """Make the CRLs of an authority; returns how many."""
        authority = self.authority(name, Act.OPERATE)
        return sum(1 for _ in self._installation.crls.generate(authority, secrets))

    def renew_responder(self, name: str, alias: str | None = None, secrets: GivenSecrets = None) -> None:
        """Make a new OCSP responder for an authority.

        Args:
            name: Of the authority.
            alias: The OCSP key backend in which its keys are from now on; None leaves that as it is.
            secrets: For the key of the authority.

        Raises:
            UnknownAliasError: The settings have no such OCSP key backend; nothing was changed.
        """
        authority = self.authority(name, Act.OPERATE)
        if alias is not None and alias != authority.record.issuing.ocsp_key_backend:
            self._installation.responders.location(alias)
            authority = self._installation.authorities.edit(authority, changes={"ocsp_key_backend": alias})
        self._installation.responders.renew(authority, secrets)

    def certificates(
        self, name: str | None, wanted: CertificateFilter, *, after: int = 0, limit: int = 100
    ) -> Sequence[DeskCertificate]:
        """A page of certificates; see `anchorhold.services.certificates.CertificateService.list`.

        Args:
            name: Of the authority; None for all, which needs a role for all.
            wanted: Which ones.
            after: Row number of the last one of the page before.
            limit: Length of the page.
        """
        authority = self._chosen(name)
        return self._joined(self._installation.certificates.list(authority, wanted, after=after, limit=limit))

    def certificate(self, serial: str, act: Act = Act.VIEW) -> DeskCertificate:
        """A certificate by its serial number in hex.

        Raises:
            UnknownCertificateError: None fits, or several do.
        """
        found = self._joined([self._installation.certificates.get(serial)])[0]
        self._require(act, found.authority)
        return found

    def chain(self, certificate: DeskCertificate) -> Sequence[bytes]:
        """Certificates of its issuer and of those above, in DER, nearest first."""
        return self._installation.authorities.chain_certificates(certificate.authority)

    def revoke(self, serial: str, reason: str) -> DeskCertificate:
        """Revoke a certificate, or put it on hold.

        Raises:
            RevocationError: It is revoked already.
            InputError: The reason cannot be read.
        """
        found = self.certificate(serial, Act.REVOKE)
        self._installation.revocations.revoke(serial, reason, authority=found.authority)  # not by a short beginning
        return self._joined([found.record])[0]

    def release(self, serial: str) -> DeskCertificate:
        """Remove the hold from a certificate.

        Raises:
            RevocationError: It is not on hold.
        """
        found = self.certificate(serial, Act.REVOKE)
        self._installation.revocations.release(serial, authority=found.authority)
        return self._joined([found.record])[0]

    def _joined(self, records: Sequence[CertificateRecord]) -> Sequence[DeskCertificate]:
        revocations = self._installation.revocations.of(records)
        return [
            DeskCertificate(found, self._names.get(found.authority_id, ""), revocations.get(found.id))
            for found in records
        ]

    def preview(self, name: str, order: Order) -> Preview:
        """The certificate that a request would become; nothing is kept.

        Raises:
            AnchorholdError: See `anchorhold.services.requests.RequestService.submit`.
        """
        return self._installation.requests.preview(self.authority(name, Act.REQUEST), order)

    def submit(self, name: str, order: Order, *, again: bool = False) -> DeskRequest:
        """Submit a request; it is signed at once where nobody has to approve it.

        Args:
            name: Of the authority.
            order: What is wanted.
            again: Whether it may have been submitted with this correlation id; then that one is used.

        Raises:
            AnchorholdError: See `anchorhold.services.requests.RequestService.submit`.
        """
        authority = self.authority(name, Act.REQUEST)
        number = self._submitted(authority) if again else None
        requests = self._installation.requests
        record = requests.submit(authority, order) if number is None else requests.get(number)
        kept = self._described([record])[0]
        return self._sign(kept) if kept.is_approved and kept.record.status in OPEN else kept

    def _submitted(self, authority: Authority) -> int | None:
        wanted = HistoryFilter(correlation_id=self._correlation_id)
        entries = self._installation.history.entries(authority, wanted)
        return next((entry.detail["request"] for entry in entries if entry.kind == "certificate-requested"), None)

    def requests(
        self,
        status: RequestStatus | None = None,
        name: str | None = None,
        *,
        after: int = 0,
        limit: int | None = None,
    ) -> Sequence[DeskRequest]:
        """Requests that may be seen: one's own, and those that one may approve; oldest first.

        Args:
            status: Of this status only.
            name: For the authority of this name only.
            after: Number of the last one of the page before.
            limit: Length of the page; None for all.
        """
        chosen = [found for found in self._installation.authorities.list() if found.name == name]
        if name is not None and not chosen:
            return []
        return list(islice(self._seen(status, chosen[0] if chosen else None, after), limit))

    def _seen(self, status: RequestStatus | None, authority: Authority | None, after: int) -> Iterator[DeskRequest]:
        while page := self._installation.requests.list(status, authority, after=after, limit=PAGE):
            yield from filter(self._may_see, self._described(page))
            after = page[-1].id

    def request(self, number: int) -> DeskRequest:
        """A request by its number.

        Raises:
            MissingError: There is none.
        """
        kept = self._kept(number)
        if not self._may_see(kept):
            self._refuse(Act.APPROVE, kept.authority)
        return kept

    def approve(self, number: int) -> DeskRequest:
        """Approve a request; with the last approval that it needs it is signed.

        Raises:
            WrongStateError: It does not wait.
            AnchorholdError: It cannot be signed yet; the approval stands, and `sign` tries again.
        """
        kept = self._to_decide(number)
        if kept.requester == self.identity.name and not self._desk.settings.rules(kept.authority).own:
            self._refuse(Act.APPROVE, kept.authority, "the one who has submitted a request does not approve it")
        self._desk.approvals.add(number, self.identity)
        kept = self._described([kept.record])[0]
        return self._sign(kept) if kept.is_approved else kept

    def reject(self, number: int, why: str) -> DeskRequest:
        """Reject a request.

        Raises:
            WrongStateError: It was issued or rejected.
            InputError: The reason is not one line.
        """
        kept = self._to_decide(number, *OPEN)
        return self._described([self._installation.requests.reject(kept.record.id, why)])[0]

    def sign(self, number: int, secrets: GivenSecrets = None) -> DeskRequest:
        """Sign a request that was approved and could not be signed then.

        Args:
            number: Of the request.
            secrets: For the key of the authority, such as a PIN that only people know.

        Raises:
            WrongStateError: Not enough people have approved it.
        """
        kept = self._to_decide(number, *OPEN)
        if not kept.is_approved:
            raise WrongStateError(f"request {number}: was not approved yet", hint="have it approved first")
        return self._sign(kept, secrets)

    def _to_decide(self, number: int, *statuses: RequestStatus) -> DeskRequest:
        kept = self._kept(number)
        self._require(Act.APPROVE, kept.authority)
        if kept.record.status not in (statuses or ("waiting",)):
            raise WrongStateError(f"request {number}: is {kept.record.status}", hint="choose another one")
        return kept

    def _kept(self, number: int) -> DeskRequest:
        try:
            return self._described([self._installation.requests.get(number)])[0]
        except InputError as error:
            raise MissingError(error.problem, hint=error.hint) from error

    def _sign(self, kept: DeskRequest, secrets: GivenSecrets = None) -> DeskRequest:
        requests, number = self._installation.requests, kept.record.id
        if kept.record.status == "waiting":
            try:
                requests.reserve(number)
            except (BusyError, InputError):
                if requests.get(number).status == "waiting":
                    raise
        try:
            requests.sign(number, secrets)
        except (BusyError, InputError):
            if requests.get(number).status != "issued":  # where another was faster, all is well
                raise
        return self._described([requests.get(number)])[0]

    def _may_see(self, kept: DeskRequest) -> bool:
        own = kept.requester == self.identity.name and self.identity.may(Act.REQUEST, kept.authority)
        return own or self.identity.may(Act.APPROVE, kept.authority)

    def _described(self, records: Sequence[RequestRecord]) -> Sequence[DeskRequest]:
        approvals, rules = self._desk.approvals.of([kept.id for kept in records]), self._desk.settings.rules
        names = [self._names.get(kept.authority_id, "") for kept in records]
        return [
            DeskRequest(kept, name, approvals[kept.id], rules(name).approvals)
            for kept, name in zip(records, names, strict=True)
        ]

    def history(self, name: str | None, wanted: HistoryFilter, limit: int) -> Sequence[HistoryEntry]:
        """What was done, the newest first.

        Args:
            name: To or by this authority; None for all, which needs a role for all.
            wanted: Which entries.
            limit: How many at most.
        """
        return list(islice(self._installation.history.entries(self._chosen(name), wanted), limit))

    def events(self, before: int | None, limit: int) -> Sequence[DeskEvent]:
        """A page of what happened to accounts, the newest first."""
        self._require(Act.ADMINISTER)
        return self._desk.events(before, limit)

    def administered(self) -> Accounts:
        """The accounts, for one who administers them."""
        self._require(Act.ADMINISTER)
        return self._desk.accounts

    def own_tokens(self) -> Tokens:
        """The tokens, for the one whose they are: no token makes another, which would outlive or exceed it."""
        self._require_person()
        return self._desk.tokens

    def _chosen(self, name: str | None) -> Authority | None:
        """The authority of that name; None for all, which needs a role for all."""
        if name is not None:
            return self.authority(name)
        self._require(Act.VIEW, EVERY_AUTHORITY)
        return None
