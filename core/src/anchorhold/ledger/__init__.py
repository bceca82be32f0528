"""The ledger: the core's own records of authorities, certificates, serial numbers and events."""

import anchorhold.databases  # noqa: F401  # before peewee is imported
from anchorhold.ledger.ledger import Ledger, check_missing_ledger, ledger_exists, revision_reader
from anchorhold.ledger.missing_ledger import MissingLedgerPolicy, NoLedgerError
from anchorhold.ledger.policy import IssuancePolicy
from anchorhold.ledger.records import AuthorityRecord, CertificateRecord, Event, Reservation

__all__ = [
    "AuthorityRecord",
    "CertificateRecord",
    "Event",
    "IssuancePolicy",
    "Ledger",
    "MissingLedgerPolicy",
    "NoLedgerError",
    "Reservation",
    "check_missing_ledger",
    "ledger_exists",
    "revision_reader",
]
