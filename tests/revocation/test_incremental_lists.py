"""Lists made from the ones before them say the same as lists made anew, whatever happens in between.

Random sequences of revoking, holding, releasing, changing, time passing and making lists are compared with a model: an
entry is there from its revocation until it was on a list made after its certificate expired (RFC 5280, section 3.3).
"""

from __future__ import annotations

import datetime as dt
import os
import random
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from anchorhold import IssuancePolicy, errors
from anchorhold.ledger import Reservation
from anchorhold.ledger.schema import to_timestamp
from anchorhold.operations import crl_contents, crls
from anchorhold.x509.crl_entries import HOLD
from anchorhold.x509.crls import entries_span
from revocation.crl_steps import entries

if TYPE_CHECKING:
    from anchorhold import Authority
    from anchorhold.installation import Installation
    from anchorhold.ledger.records import CrlRecord

pytestmark = pytest.mark.databases("sqlite", "postgresql", because="each joins entries in its own way")
CERTIFICATES, SHARDS = 6, 2
LIFE = dt.timedelta(hours=10)
START = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
REASONS = ("unspecified", "keyCompromise", "superseded")
NUMBERS = count(1)
EXAMPLES = int(os.environ.get("ANCHORHOLD_TEST_EXAMPLES", "8"))
"""Random sequences."""

STEPS = st.one_of(
    st.tuples(st.just("revoke"), st.integers(0, CERTIFICATES - 1), st.sampled_from((*REASONS, HOLD))),
    st.tuples(st.just("release"), st.integers(0, CERTIFICATES - 1)),
    st.tuples(st.just("wait"), st.sampled_from((1, 3_600, 7_200, 36_000))),
    st.tuples(st.just("make"), st.sampled_from((None, *range(SHARDS)))),
)


@dataclass
class World:
    """An authority in the ledger, and what a model of it says."""

    installation: Installation
    clock: list[dt.datetime]
    authority: Authority
    certs: list[Any] = field(default_factory=list)
    revoked: dict[int, tuple[dt.datetime, str]] = field(default_factory=dict)
    last: dict[int | None, dt.datetime] = field(default_factory=dict)
    shown: dict[int | None, set[int]] = field(default_factory=dict)
    numbers: list[int] = field(default_factory=list)

    def revoke(self, which: int, reason: str) -> None:
        """Revoke or change, if that may be."""
        known = self.revoked.get(which)
        if known is not None and (known[1] != HOLD or reason == HOLD):
            with pytest.raises(errors.RevocationError):
                self.installation.revocations.revoke(self.certs[which].serial, reason)
            return
        self.installation.revocations.revoke(self.certs[which].serial, reason)
        self.revoked[which] = (self.clock[0] if known is None else known[0], reason)

    def release(self, which: int) -> None:
        """Release, if that may be."""
        if self.revoked.get(which, (None, None))[1] != HOLD:
            with pytest.raises(errors.RevocationError):
                self.installation.revocations.release(self.certs[which].serial)
            return
        self.installation.revocations.release(self.certs[which].serial)
        del self.revoked[which]
        for shown in self.shown.values():
            shown.discard(which)

    def wait(self, time: int) -> None:
        """Let seconds pass."""
        self.clock[0] += dt.timedelta(seconds=time)

    def make(self, shard: int | None) -> None:
        """Make a list, and compare it with the model and with one made anew."""
        with self.installation.keys.get(self.authority) as key:
            made = crls.generate_crl(self.installation.ledger, key, shard)
        expected = {
            self.certs[which].serial: reason
            for which, (revoked_at, reason) in self.revoked.items()
            if self._is_of(which, shard) and self._stays(which, revoked_at, self.last.get(shard))
        }
        crl = x509.load_der_x509_crl(made.der)
        assert {serial: _reason(entry) for serial, entry in entries(crl).items()} == expected
        assert _der_entries(made) == self._anew(made)
        self._check_none_missed(made, crl, shard)
        self.numbers.append(made.number)
        self.last[shard] = made.this_update

    def _is_of(self, which: int, shard: int | None) -> bool:
        return shard is None or int(self.certs[which].serial, 16) % SHARDS == shard

    def _stays(self, which: int, revoked_at: dt.datetime, before: dt.datetime | None) -> bool:
        """Whether an entry cannot have been on a list made after the certificate expired; to the second."""
        return before is None or max(self.certs[which].not_after, revoked_at) >= before

    def _anew(self, made: CrlRecord) -> list[bytes]:
        floor = to_timestamp(min(self.last.get(made.shard, dt.datetime.fromtimestamp(0, dt.UTC)), self.clock[0]))
        ledger, row = self.installation.ledger, self.authority.record.id
        with ledger.translate_errors():
            pieces = ledger.revocations.entries(
                row, shard=made.shard, after=0, last_revocation_id=made.last_revocation_id, expired_before=floor
            )
            return _split(b"".join(pieces))

    def _check_none_missed(self, made: CrlRecord, crl: x509.CertificateRevocationList, shard: int | None) -> None:
        """What is missing was on a list made after its certificate had expired."""
        present = {which for which, cert in enumerate(self.certs) if cert.serial in entries(crl)}
        gone = {which for which in self.revoked if self._is_of(which, shard)} - present
        assert gone <= self.shown.setdefault(shard, set())
        self.shown[shard] |= {which for which in present if self.certs[which].not_after < made.this_update}


def _reason(entry: x509.RevokedCertificate) -> str:
    found = [part.value.reason.value for part in entry.extensions if isinstance(part.value, x509.CRLReason)]
    return found[0] if found else "unspecified"


def _der_entries(made: CrlRecord) -> list[bytes]:
    crl = x509.load_der_x509_crl(made.der)
    assert crl.public_bytes(Encoding.DER) == made.der
    begin, end = entries_span(crl.tbs_certlist_bytes)
    return _split(crl.tbs_certlist_bytes[begin:end])


def _split(row: bytes) -> list[bytes]:
    """Entries one by one; each is shorter than 128 octets."""
    found = []
    while row:
        found.append(row[: row[1] + 2])
        row = row[row[1] + 2 :]
    return found


def _world(installation: Installation, clock: list[dt.datetime]) -> World:
    """A new authority with certificates that expire one after the other; only the ledger knows them."""
    clock[0] = START
    issuing = IssuancePolicy(crl_urls=("http://crl.example.com/{shard}",), crl_shards=SHARDS)
    authority = installation.authorities.create(f"Root {next(NUMBERS)}", "CN=Root", issuing=issuing)
    world, source = World(installation, clock, authority), random.Random(0)  # noqa: S311
    ledger = installation.ledger
    for number in range(CERTIFICATES):
        serial = f"7f{authority.record.id:06x}{source.getrandbits(64) | 1 << 63:x}{number:02x}"
        reservation = Reservation(
            serial=serial,
            profile="webserver",
            subject="",
            names=(),
            not_before=START,
            not_after=START + LIFE * (number % 3 + 1),
            tbs=b"",
        )
        with ledger.transaction():
            ledger.certificates.record(authority.record.id, reservation, b"not read here")
        world.certs.append(installation.certificates.get(serial))
    return world


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[dt.datetime]:
    """The moment it is; may be changed."""
    moments = [START]
    for module in ("revocation", "crls"):
        monkeypatch.setattr(f"anchorhold.operations.{module}.now", lambda: moments[0])
    return moments


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    phases=(Phase.generate,),  # to make a sequence shorter takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=st.lists(STEPS, min_size=20, max_size=40))
def test_lists_made_from_earlier_ones_equal_lists_made_anew(
    installation: Installation, clock: list[dt.datetime], steps: list[tuple[Any, ...]]
) -> None:
    world = _world(installation, clock)
    for name, *arguments in [*steps, ("make", None), ("make", 0), ("make", 1)]:
        getattr(world, name)(*arguments)
    assert world.numbers == list(range(1, len(world.numbers) + 1))


def test_a_list_of_many_small_steps_is_read_anew_now_and_then(
    installation: Installation, clock: list[dt.datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crl_contents, "MAX_PARTS", 3)
    world = _world(installation, clock)
    parts = []
    for which in range(CERTIFICATES):
        world.revoke(which, "superseded")
        world.make(None)
        state = installation.ledger.crls.state(world.authority.record.id, None)
        assert state is not None
        parts.append(state.parts)
    assert parts == [(1,), (1, 2), (1, 2, 3), (4,), (4, 5), (4, 5, 6)]


def test_an_unchanged_list_brings_no_new_part(installation: Installation, clock: list[dt.datetime]) -> None:
    world = _world(installation, clock)
    world.revoke(0, "superseded")
    for _ in range(3):
        world.make(None)
    state = installation.ledger.crls.state(world.authority.record.id, None)
    assert state is not None
    assert (state.number, state.parts) == (3, (1,))


def test_a_clock_that_was_wrong_for_a_while_hides_no_revocation(
    installation: Installation, clock: list[dt.datetime]
) -> None:
    """Lists made a year ahead lack what expires in that year; they must not decide what later lists have."""
    world = _world(installation, clock)
    world.revoke(0, "keyCompromise")
    world.make(None)
    clock[0] = START + dt.timedelta(days=365)
    world.make(None)
    with installation.keys.get(world.authority) as key:
        ahead = crls.generate_crl(installation.ledger, key, None)
        assert len(x509.load_der_x509_crl(ahead.der)) == 0
        clock[0] = START + dt.timedelta(hours=1)
        for _ in range(2):
            made = crls.generate_crl(installation.ledger, key, None)
            assert made.this_update == clock[0] - dt.timedelta(minutes=5)
            assert set(entries(x509.load_der_x509_crl(made.der))) == {world.certs[0].serial}


@pytest.mark.parametrize("lists", [1, 2])
def test_an_entry_that_expired_while_only_lists_of_the_future_were_made_is_on_one_more(
    installation: Installation, clock: list[dt.datetime], lists: int
) -> None:
    """Nobody took those, so it has not been on a list made after its certificate expired (RFC 5280, section 3.3)."""
    world = _world(installation, clock)
    world.revoke(0, "keyCompromise")
    world.make(None)
    found = []
    with installation.keys.get(world.authority) as key:
        clock[0] = START + dt.timedelta(days=365)
        for _ in range(lists):
            crls.generate_crl(installation.ledger, key, None)
        for hours in (20, 21):
            clock[0] = START + dt.timedelta(hours=hours)
            made = crls.generate_crl(installation.ledger, key, None)
            found.append(set(entries(x509.load_der_x509_crl(made.der))))
    assert found == [{world.certs[0].serial}, set()]


def test_old_lists_and_their_parts_are_dropped(installation: Installation, clock: list[dt.datetime]) -> None:
    world = _world(installation, clock)
    for which in range(5):
        world.revoke(which, HOLD)
        world.make(None)
        world.make(int(world.certs[which].serial, 16) % SHARDS)
        world.release(which)
    database = installation.ledger.database
    with installation.ledger.translate_errors():
        kept = {
            table: database.execute_sql(f"SELECT shard, number FROM anchorhold_{table} ORDER BY number").fetchall()  # noqa: S608
            for table in ("crl", "crl_part")
        }
    assert [number for shard, number in kept["crl"] if shard is None] == [7, 9]
    assert set(kept["crl_part"]) <= set(kept["crl"])
