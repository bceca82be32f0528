"""The ledger: the core's own records of authorities, certificates, serial numbers and events."""

from anchorhold.ledger.book import Ledger, ledger_exists
from anchorhold.ledger.records import AuthorityRecord, CertificateRecord, Event, IssuingDefaults, Reservation

__all__ = ["AuthorityRecord", "CertificateRecord", "Event", "IssuingDefaults", "Ledger", "Reservation", "ledger_exists"]
