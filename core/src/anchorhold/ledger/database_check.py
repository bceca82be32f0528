"""Whether the database of a ledger can be used, found out without changing it."""

from __future__ import annotations

from anchorhold.databases import check_files, check_tables, close, open_database
from anchorhold.ledger.ledger import SUBJECT, check_missing_ledger, place_of, sentences
from anchorhold.ledger.migrations import MIGRATIONS
from anchorhold.ledger.missing_ledger import EMPTY, MAY_CREATE, MissingLedgerPolicy


def check_database(url: str, missing_ledger_policy: MissingLedgerPolicy = MAY_CREATE) -> bool:
    """Connect to the ledger's database and change nothing in it; one that does not exist yet is fine.

    Returns:
        Whether it is there with the tables of this version, so that opening it changes nothing either.

    Raises:
        SettingsError: The URL cannot be read.
        LedgerError: The database cannot be reached or written, or should be there.
        LedgerVersionError, LedgerForeignError: It is not for this version, or not a ledger.
    """
    check_missing_ledger(url, missing_ledger_policy)
    if not check_files(url, place_of(url)):
        return False
    database = open_database(url, SUBJECT)
    try:
        with sentences(database, url):
            complete = check_tables(database, place_of(url), MIGRATIONS)
            if not MIGRATIONS.are_begun(database):
                missing_ledger_policy.check(place_of(url), EMPTY, lambda: not MIGRATIONS.are_begun(database))
            return complete
    finally:
        close(database)
