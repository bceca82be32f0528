"""A ledger that can be filled with as many certificates as wanted."""

from __future__ import annotations

import datetime as dt
import random
import secrets
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding
from peewee import SqliteDatabase

import anchorhold
from anchorhold.ledger import Reservation
from anchorhold.ledger.schema import to_timestamp
from bench.issuance.request import request

if TYPE_CHECKING:
    from anchorhold.installation import Installation

TABLE = "anchorhold_certificate"
CHUNK = 10_000
"""Rows to a transaction."""
KEPT = 50
"""One serial number in that many is remembered, to be looked up."""
VALID = 10
"""One certificate in that many has not expired: as with 90 days of validity after two and a half years."""
INTERRUPTED = 10_000
"""One reservation in that many was never completed: what crashes have left."""
LIFETIME = dt.timedelta(days=90)


class FilledLedger:
    """An installation with one authority and many certificates.

    Rows are written by the ledger's own book of certificates, as issuing does, but are all copies of one certificate
    that was issued, each with a serial number, a name and a validity of its own.

    Args:
        installation: With an empty ledger.
    """

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.ledger = installation.ledger
        self.authority_id = installation.authorities.create("Growth", "CN=Growth").record.id
        self.issuer = installation.certificates.issuer("Growth")
        self.order = anchorhold.Order(csr=request(), names=["host.example.com"])
        self._certificate = self.issuer.sign(self.order).certificate
        self._serials: list[str] = []
        self._rows = 0

    def fill(self, total: int) -> None:
        """Add certificates until there are that many; of all, only the last ones have not expired."""
        self._expire_all()
        der = self._certificate.public_bytes(Encoding.DER)
        expired = total - total // VALID
        while self._rows < total:
            end = min(self._rows + CHUNK, expired if self._rows < expired else total)
            chunk = [self.reservation(number, expired=number < expired) for number in range(self._rows, end)]
            signed = [intent for number, intent in enumerate(chunk, start=1) if number % INTERRUPTED]
            with self.ledger.transaction():
                self.ledger.certificates.reserve(self.authority_id, chunk)
                self.ledger.certificates.complete(self.authority_id, [(intent.serial, der) for intent in signed])
            self._serials += [intent.serial for intent in signed[::KEPT]]
            self._rows = end
        self._settle()

    def reservation(self, number: int, *, expired: bool = False) -> Reservation:
        """A row to be: the intent to issue a certificate."""
        now = dt.datetime.now(dt.UTC)
        not_before = now - 2 * LIFETIME if expired else now
        return Reservation(
            serial=f"{(1 << 158) | secrets.randbits(158):x}",
            profile="webserver",
            subject=f"CN=host{number}.example.com",
            names=(f"DNS:host{number}.example.com",),
            not_before=not_before,
            not_after=not_before + LIFETIME,
            tbs=self._certificate.tbs_certificate_bytes,
        )

    def some_serial(self) -> str:
        """The serial number of some certificate."""
        return random.choice(self._serials)  # noqa: S311  # for a measurement

    def some_row(self) -> int:
        """The number of some row."""
        return random.randrange(self._rows)  # noqa: S311  # for a measurement

    def _expire_all(self) -> None:
        now = to_timestamp(dt.datetime.now(dt.UTC))
        expire = f"UPDATE {TABLE} SET not_after = {now - 1} WHERE not_after >= {now}"  # noqa: S608  # numbers
        with self.ledger.transaction():
            self.ledger.database.execute_sql(expire)

    def _settle(self) -> None:
        """Let PostgreSQL do what it does by itself, but not as quickly as this ledger is filled."""
        if not isinstance(self.ledger.database, SqliteDatabase):
            with self.ledger.translate_errors():
                self.ledger.database.execute_sql(f"VACUUM ANALYZE {TABLE}")
