"""The ledger: the core's own records of authorities, certificates, serial numbers and events."""

from anchorhold.ledger.absence import Absence, NoLedgerError
from anchorhold.ledger.book import Ledger, check_absence, epoch_reader, ledger_exists
from anchorhold.ledger.records import AuthorityRecord, CertificateRecord, Event, IssuingDefaults, Reservation

__all__ = [
    "Absence",
    "AuthorityRecord",
    "CertificateRecord",
    "Event",
    "IssuingDefaults",
    "Ledger",
    "NoLedgerError",
    "Reservation",
    "check_absence",
    "epoch_reader",
    "ledger_exists",
]
