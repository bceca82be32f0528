"""The ledger as the rest of core sees it: an open database, its transactions, and a repository for each table."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager, nullcontext
from copy import copy
from functools import cached_property, partial
from threading import current_thread, main_thread
from typing import TYPE_CHECKING, Any, Final

from peewee import PeeweeException, SqliteDatabase

from anchorhold.databases import (
    close,
    database_exists,
    drop_dead_connection,
    open_database,
    open_in_memory,
    ordered,
    roll_back,
)
from anchorhold.databases.error_hints import hint_for
from anchorhold.errors import AnchorholdError, LedgerError
from anchorhold.ledger.group_commits import GroupCommits, in_use
from anchorhold.ledger.migrations import MIGRATIONS
from anchorhold.ledger.missing_ledger import EMPTY, MAY_CREATE, MISSING, WITHOUT_AUTHORITY, MissingLedgerPolicy
from anchorhold.ledger.notices import CommitNotices
from anchorhold.ledger.revision import SELECT_REVISION, LedgerRevision
from anchorhold.ledger.schema import Schema, schema
from anchorhold.settings.masking import mask_password

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from contextlib import AbstractContextManager

    from peewee import Database

    from anchorhold.audit import AuditContext
    from anchorhold.ledger.authorities import AuthorityRepository
    from anchorhold.ledger.certificates import CertificateRepository
    from anchorhold.ledger.claims import ClaimRepository
    from anchorhold.ledger.crls import CrlRepository
    from anchorhold.ledger.events import EventRepository
    from anchorhold.ledger.future_dates import FutureDates
    from anchorhold.ledger.key_copies import KeyCopyRepository
    from anchorhold.ledger.notices import Notice
    from anchorhold.ledger.refused_secrets import RefusedSecretRepository
    from anchorhold.ledger.requests import Requests
    from anchorhold.ledger.responders import ResponderRepository
    from anchorhold.ledger.revocations import RevocationRepository
    from anchorhold.ledger.workers import WorkerRepository

SUBJECT: Final = "ledger"
_ALONE: Final = 0x616E63686F73
"""Number of the advisory lock on PostgreSQL of transactions that want to be alone."""


class Ledger:
    """An open ledger. Its repositories are imported when they are first used.

    Args:
        url: Of the database, such as ``sqlite:////var/lib/anchorhold/ledger.sqlite3``; None for an empty ledger in
            memory, which is gone when it is closed.
        missing_ledger_policy: What to do where there is no ledger.
        patience: Seconds in all for which to wait for what another process has locked; by default 30.

    Raises:
        LedgerError: The database cannot be opened, or is missing while keys exist.
        NoLedgerError: Neither the database nor any key exists.
        LedgerVersionError, LedgerForeignError: It is not for this version, or not a ledger.
    """

    def __init__(
        self, url: str | None, missing_ledger_policy: MissingLedgerPolicy = MAY_CREATE, *, patience: float | None = None
    ) -> None:
        self._url = url
        if url is None:
            self.database = open_in_memory()
        else:  # which refuses a URL that cannot be read
            refuse = partial(check_missing_ledger, url, missing_ledger_policy)
            self.database = open_database(url, SUBJECT, lock_timeout=patience, before_create=refuse)
        try:
            with self.translate_errors():
                tables = self._opened(missing_ledger_policy)
        except BaseException:
            close(self.database)
            raise
        self._tables = tables
        self._notices = CommitNotices()
        self._tell: Callable[[Ledger, Sequence[Notice]], None] | None = None
        self._listeners: Collection[object] = ()
        self._audit: AuditContext | None = None

    def _opened(self, missing_ledger_policy: MissingLedgerPolicy) -> Schema:
        """The tables, which are brought to this version, and made where they are to be."""
        if not MIGRATIONS.are_complete(self.database):
            self._migrate(missing_ledger_policy)
        tables = schema(self.database)
        if not tables.authority.select().exists():
            missing_ledger_policy.check(
                place_of(self._url), WITHOUT_AUTHORITY, lambda: not tables.authority.select().exists()
            )
        return tables

    def _migrate(self, missing_ledger_policy: MissingLedgerPolicy) -> None:
        where = place_of(self._url)
        if not MIGRATIONS.are_begun(self.database):
            MIGRATIONS.check(self.database, where)
            missing_ledger_policy.check(where, EMPTY, lambda: not MIGRATIONS.are_begun(self.database))
        MIGRATIONS.apply(self.database, where)

    def acting_as(self, audit: AuditContext) -> Ledger:
        """The same ledger; what is recorded through it says who acted."""
        _ = self._group_commits  # which all actors share
        same = copy(self)
        same._audit = audit  # noqa: SLF001  # of the same class
        for repository in ("certificates", "events", "requests"):
            vars(same).pop(repository, None)
        return same

    def telling(self, tell: Callable[[Ledger, Sequence[Notice]], None], listeners: Collection[object]) -> Ledger:
        """The same ledger; what is recorded through it is told after each commit.

        Args:
            tell: Tells; it raises nothing.
            listeners: Whom; looked at when a transaction begins, so that nothing is collected for nobody.
        """
        same = copy(self)
        same._notices, same._tell, same._listeners = CommitNotices(), tell, listeners  # noqa: SLF001  # the same class
        for made in ("certificates", "events", "_group_commits"):
            vars(same).pop(made, None)
        return same

    @cached_property
    def _group_commits(self) -> GroupCommits:
        group_commits = GroupCommits(transaction=self._committing)
        in_use.add(group_commits)
        return group_commits

    @cached_property
    def _revision(self) -> LedgerRevision:
        return LedgerRevision(self.database, self._tables.epoch)

    @cached_property
    def authorities(self) -> AuthorityRepository:
        """Authorities."""
        from anchorhold.ledger.authorities import AuthorityRepository

        return AuthorityRepository(self._tables.authority, self.translate_errors)

    @cached_property
    def certificates(self) -> CertificateRepository:
        """Certificates, and the intent to sign them."""
        from anchorhold.ledger.certificates import CertificateRepository

        return CertificateRepository(self.database, self._tables, self._audit, self._notices)

    @cached_property
    def claims(self) -> ClaimRepository:
        """Who is at work on what at the moment."""
        from anchorhold.ledger.claims import ClaimRepository

        return ClaimRepository(self.database, self._tables.claim)

    @cached_property
    def crls(self) -> CrlRepository:
        """Certificate revocation lists."""
        from anchorhold.ledger.crls import CrlRepository

        return CrlRepository(self._tables.crl, self._tables.crl_part)

    @cached_property
    def dates(self) -> FutureDates:
        """What is dated in the future."""
        from anchorhold.ledger.future_dates import FutureDates

        return FutureDates(self._tables.certificate, self._tables.revocation, self._tables.responder)

    @cached_property
    def events(self) -> EventRepository:
        """What happened to authorities."""
        from anchorhold.ledger.events import EventRepository

        return EventRepository(self._tables.event, self._tables.authority, self._revision, self._audit, self._notices)

    @cached_property
    def key_copies(self) -> KeyCopyRepository:
        """Copies of keys that were left behind."""
        from anchorhold.ledger.key_copies import KeyCopyRepository

        return KeyCopyRepository(self._tables.key_copy)

    @cached_property
    def refusals(self) -> RefusedSecretRepository:
        """Secrets that were refused."""
        from anchorhold.ledger.refused_secrets import RefusedSecretRepository

        return RefusedSecretRepository(self._tables.refusal)

    @cached_property
    def requests(self) -> Requests:
        """Requests that are kept."""
        from anchorhold.ledger.requests import Requests

        return Requests(self._tables.request, self._audit)

    @cached_property
    def responders(self) -> ResponderRepository:
        """OCSP responders."""
        from anchorhold.ledger.responders import ResponderRepository

        return ResponderRepository(self._tables.responder)

    @cached_property
    def revocations(self) -> RevocationRepository:
        """Revocations."""
        from anchorhold.ledger.revocations import RevocationRepository

        return RevocationRepository(self.database, self._tables.revocation)

    @cached_property
    def workers(self) -> WorkerRepository:
        """Workers that sign for other processes."""
        from anchorhold.ledger.workers import WorkerRepository

        return WorkerRepository(self.database, self._tables.worker, self._tables.signature_refusal)

    @contextmanager
    def transaction(self, *, alone: bool = False) -> Iterator[None]:
        """Everything inside is one durable commit, or nothing is.

        Args:
            alone: Whether no other transaction that wants to be alone runs meanwhile: what was looked for and not found
                stays away. On SQLite all that write are alone.

        Raises:
            LedgerError: The database refused.
        """
        with self._telling(), self._committing(durable=True):
            if alone and not isinstance(self.database, SqliteDatabase):
                self.database.execute_sql("SELECT pg_advisory_xact_lock(%s)", (_ALONE,))
            yield

    def commit_together(self, work: Callable[[], None], *, durable: bool = True) -> None:
        """A transaction that other threads of this process may share, if it `is_shared`; see `GroupCommits.commit`."""
        if self.is_shared:
            self._group_commits.commit(work, durable=durable)
        elif self.database.in_transaction():  # which decides when all of it is committed
            work()
        else:
            with self._telling(), self._group_commits.turn, self._committing(durable=durable):
                work()

    @property
    def is_shared(self) -> bool:
        """Whether another thread may commit for this one, which no signal interrupts and which has nothing to tell."""
        return not (self._listeners or current_thread() is main_thread() or self.database.in_transaction())

    @contextmanager
    def _committing(self, *, durable: bool) -> Iterator[None]:
        """A transaction, without what is told of it.

        Args:
            durable: False if a later commit that changes the same rows is to make it durable: it outlives this process
                and not the machine. The outermost transaction decides.
        """
        is_outermost = not self.database.in_transaction()
        begin: Callable[[], AbstractContextManager[Any]] = self.database.atomic
        if is_outermost:
            begin = self.database.transaction if durable else partial(ordered, self.database)
        try:
            with self.translate_errors(), begin():
                yield
        except Exception:
            raise
        except BaseException:  # at any step of peewee's, which may not have noted yet that it has begun
            if is_outermost:
                roll_back(self.database)
            raise

    def _telling(self) -> AbstractContextManager[None]:
        """Around a transaction: tells after the commit, if anybody listened when the outermost one began."""
        begins = self._listeners and not self.database.in_transaction()
        if self._tell is None or not (begins or self._notices.collected is not None):
            return nullcontext()
        return self._notices.after_commit(partial(self._tell, self))

    def translate_errors(self) -> AbstractContextManager[None]:
        """Turn errors of the database into one sentence.

        Raises:
            LedgerError: In their place.
        """
        return sentences(self.database, self._url)

    def revision(self) -> int:
        """A number that changes with each revocation, release, CRL, responder and change of an authority.

        Raises:
            LedgerError: The database refused.
        """
        with self.translate_errors():
            return self._revision.read()

    def limit_lock_wait(self, seconds: float) -> None:
        """Wait only so long for what another process has locked, in the connection of this thread; on SQLite only.

        Raises:
            LedgerError: The database refused.
        """
        if isinstance(self.database, SqliteDatabase):
            with self.translate_errors():
                self.database.execute_sql(f"PRAGMA busy_timeout = {seconds * 1000:.0f}")

    def close(self) -> None:
        """Close this thread's connection, and those that no thread uses."""
        close(self.database)


def ledger_exists(url: str) -> bool:
    """Whether a look into the ledger would not create it; see `anchorhold.databases.database_exists`."""
    return database_exists(url, SUBJECT)


def revision_reader(url: str) -> Callable[[], int]:
    """Gives a function that reads the revision of a ledger over a new connection each time, and makes no ledger.

    Args:
        url: Of the ledger, on a database server. Its function raises LedgerError when the database refuses.

    Raises:
        SettingsError: The URL cannot be read.
    """
    database = open_database(url, SUBJECT)

    def read() -> int:
        try:
            with sentences(database, url):
                return int(database.execute_sql(SELECT_REVISION).fetchone()[0])
        finally:
            close(database)

    return read


def check_missing_ledger(url: str, missing_ledger_policy: MissingLedgerPolicy) -> None:
    """Look whether there is a ledger, and make none.

    Raises:
        LedgerError: See `MissingLedgerPolicy.check`.
    """
    if not ledger_exists(url):
        missing_ledger_policy.check(place_of(url), MISSING, lambda: not ledger_exists(url))


def place_of(url: str | None) -> str:
    """What to call the ledger at a URL in messages; its password is masked."""
    return SUBJECT if url is None else f"{SUBJECT} {mask_password(url).removeprefix('sqlite:///')}"


@contextmanager
def sentences(database: Database, url: str | None) -> Iterator[None]:
    """Turn errors of the database of a ledger at a URL into one sentence; see `Ledger.translate_errors`."""
    try:
        yield
    except (PeeweeException, sqlite3.Error) as error:  # SQLite reads rows when peewee looks away
        drop_dead_connection(database)
        first = _first(error)
        message = " ".join(str(first).split()) or type(first).__name__
        raise LedgerError(f"{place_of(url)}: {message}", hint=hint_for(message)) from error


def _first(error: Exception) -> Exception:
    """The first error: when a commit fails, the rollback after it often fails too and would hide why."""
    first: Exception = error
    earlier = error.__context__
    while earlier is not None and not isinstance(earlier, AnchorholdError):
        if isinstance(earlier, PeeweeException):
            first = earlier
        earlier = earlier.__context__
    return first
