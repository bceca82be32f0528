"""The repository of certificates: reserve, complete, release, abandon; find and page; all of it by an index."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from anchorhold.errors import LedgerError
from anchorhold.ledger import IssuancePolicy, Ledger, Reservation
from anchorhold.ledger.certificates import ALL_VALID, CertificateFilter

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
INTENT = Reservation(
    serial="aa01",
    profile="webserver",
    subject="CN=a",
    names=("DNS:a",),
    not_before=NOW,
    not_after=NOW + dt.timedelta(days=1),
    tbs=b"tbs",
)


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    """A ledger with the authorities 1 and 2."""
    opened = Ledger(database)
    for number in (1, 2):
        opened.authorities.begin(
            name=f"CA {number}",
            parent_id=None,
            subject="CN=CA",
            key_backend="default",
            backend_type="storages",
            key_id=bytes(20),
            plan={},
            issuing=IssuancePolicy(),
        )
    yield opened
    opened.close()


def _reserve(ledger: Ledger, *serials: str, authority: int = 1, **values: Any) -> None:
    with ledger.transaction():
        ledger.certificates.reserve(authority, [replace(INTENT, serial=serial, **values) for serial in serials])


def _issue(ledger: Ledger, *serials: str, authority: int = 1, **values: Any) -> None:
    _reserve(ledger, *serials, authority=authority, **values)
    with ledger.transaction():
        ledger.certificates.complete(authority, [(serial, f"der {serial}".encode()) for serial in serials])


def _rows(ledger: Ledger) -> list[tuple[int, str, str, bytes | None, bytes | None]]:
    query = "SELECT authority_id, serial, status, tbs, certificate FROM anchorhold_certificate ORDER BY id"
    return list(ledger.database.execute_sql(query))


def test_a_reservation_keeps_the_intent_until_the_certificate_takes_its_place(ledger: Ledger) -> None:
    _reserve(ledger, "aa01")
    assert _rows(ledger) == [(1, "aa01", "reserved", b"tbs", None)]
    with ledger.transaction():
        ledger.certificates.complete(1, [("aa01", b"der")])
    assert _rows(ledger) == [(1, "aa01", "issued", None, b"der")]


def test_a_serial_number_is_used_once_by_an_authority_whatever_became_of_it(ledger: Ledger) -> None:
    _issue(ledger, "aa01")
    _reserve(ledger, "aa02")
    ledger.certificates.abandon(1, ["aa02"])
    _reserve(ledger, "aa03")
    before = _rows(ledger)
    for serial in ("aa01", "aa02", "aa03"):
        with pytest.raises(LedgerError, match=r"(?i)unique"):
            _reserve(ledger, "bb01", serial)
    assert _rows(ledger) == before
    _issue(ledger, "aa01", authority=2)
    assert len(_rows(ledger)) == 4


def test_a_batch_with_a_serial_twice_is_refused_as_a_whole(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match=r"(?i)unique"):
        _reserve(ledger, "aa01", "aa02", "aa01")
    assert _rows(ledger) == []


@pytest.mark.parametrize("spoil", ["release", "abandon", "complete", "other authority", "unknown"])
def test_what_is_not_reserved_any_more_cannot_be_completed_and_nothing_of_its_batch_is(
    ledger: Ledger, spoil: str
) -> None:
    _reserve(ledger, "aa01", "aa02")
    authority, serials = (2 if spoil == "other authority" else 1), ["aa01", "aa02"]
    with ledger.transaction():
        match spoil:
            case "release":
                ledger.certificates.release(1, ["aa02"])
            case "abandon":
                ledger.certificates.abandon(1, ["aa02"])
            case "complete":
                ledger.certificates.complete(1, [("aa02", b"first")])
            case "unknown":
                serials = ["aa01", "ffff"]
    before = _rows(ledger)
    with pytest.raises(LedgerError, match="reservation was removed"), ledger.transaction():
        ledger.certificates.complete(authority, [(serial, b"second") for serial in serials])
    assert _rows(ledger) == before


def test_release_takes_back_only_what_is_open(ledger: Ledger) -> None:
    _issue(ledger, "aa01")
    _reserve(ledger, "aa02", "aa03")
    _reserve(ledger, "aa02", authority=2)
    ledger.certificates.release(1, ["aa01", "aa02", "ffff"])
    assert [row[:3] for row in _rows(ledger)] == [
        (1, "aa01", "issued"),
        (1, "aa03", "reserved"),
        (2, "aa02", "reserved"),
    ]
    _reserve(ledger, "aa02")  # its number is free again


def test_abandon_closes_only_what_is_open_and_keeps_the_evidence(ledger: Ledger) -> None:
    _issue(ledger, "aa01")
    _reserve(ledger, "aa02", "aa03")
    ledger.certificates.abandon(1, ["aa01", "aa02"])
    assert _rows(ledger) == [
        (1, "aa01", "issued", None, b"der aa01"),
        (1, "aa02", "abandoned", b"tbs", None),
        (1, "aa03", "reserved", b"tbs", None),
    ]


def test_abandon_all_closes_what_one_authority_has_open(ledger: Ledger) -> None:
    _issue(ledger, "aa01")
    _reserve(ledger, "aa02", "aa03")
    _reserve(ledger, "aa02", authority=2)
    ledger.certificates.abandon_all(1)
    assert [row[:3] for row in _rows(ledger)] == [
        (1, "aa01", "issued"),
        (1, "aa02", "abandoned"),
        (1, "aa03", "abandoned"),
        (2, "aa02", "reserved"),
    ]


def test_a_transaction_that_fails_leaves_nothing(ledger: Ledger) -> None:
    def fail() -> None:
        with ledger.transaction():
            ledger.certificates.reserve(1, [INTENT])
            ledger.events.append("tested", "CA 1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert _rows(ledger) == []
    assert ledger.events.history() == []


@pytest.mark.parametrize(
    ("digits", "found"),
    [
        ("aabb", ["aabb"]),  # exact, although others begin with it
        ("aabbcc", ["aabbcc"]),
        ("aab", ["aabb", "aabbcc"]),
        ("aabbc", ["aabbcc"]),
        ("a", ["aabb", "aabbcc"]),  # no more than asked for
        ("ac", ["acff"]),
        ("acff0", []),
        ("ad", []),  # abandoned
        ("ae", ["ae01"]),  # reserved
        ("f", ["ffff"]),
        ("b", []),
    ],
)
def test_certificates_are_found_by_their_serial_number_or_its_beginning(
    ledger: Ledger, digits: str, found: list[str]
) -> None:
    _issue(ledger, "ffff", "aabb", "aabbcc", "acff")
    _reserve(ledger, "ad01", "ae01")
    ledger.certificates.abandon(1, ["ad01"])
    assert sorted(record.serial for record in ledger.certificates.find(digits)) == found


def test_two_authorities_may_have_used_one_serial_number(ledger: Ledger) -> None:
    _issue(ledger, "aa01")
    _issue(ledger, "aa01", authority=2)
    assert [record.authority_id for record in ledger.certificates.find("aa01")] == [1, 2]
    assert [record.authority_id for record in ledger.certificates.find("aa01", 2)] == [2]


def test_pages_follow_one_another_and_show_what_is_asked_for(ledger: Ledger) -> None:
    _issue(ledger, "f1", "e2", "d3", "c4")
    _issue(ledger, "b5", authority=2)
    _issue(ledger, "a6", not_after=NOW - dt.timedelta(days=1))
    _reserve(ledger, "a7")

    def page(after: int = 0, limit: int = 100, **values: Any) -> list[str]:
        wanted = CertificateFilter(**values)
        return [record.serial for record in ledger.certificates.page(wanted, after=after, limit=limit)]

    assert page() == ["f1", "e2", "d3", "c4", "b5"]
    assert page(expired=True) == ["f1", "e2", "d3", "c4", "b5", "a6"]
    assert page(authority_id=1) == ["f1", "e2", "d3", "c4"]
    first = ledger.certificates.page(ALL_VALID, limit=2)
    assert [record.serial for record in first] == ["f1", "e2"]
    assert page(limit=2, after=first[-1].id) == ["d3", "c4"]
    assert page(after=ledger.certificates.page(ALL_VALID)[-1].id) == []
    assert page(expired=True, after=ledger.certificates.page(CertificateFilter(expired=True))[-1].id) == []


def test_what_is_valid_comes_in_the_order_of_its_end(ledger: Ledger) -> None:
    for serial, days in (("f1", 30), ("e2", 10), ("d3", 20), ("c4", 10)):
        _issue(ledger, serial, not_after=NOW + dt.timedelta(days=days))
    pages, after = [], 0
    while found := ledger.certificates.page(ALL_VALID, limit=1, after=after):
        pages.append(found[0].serial)
        after = found[0].id
    assert pages == ["e2", "c4", "d3", "f1"]
    until = NOW + dt.timedelta(days=15)
    assert [record.serial for record in ledger.certificates.page(CertificateFilter(expiring=until))] == ["e2", "c4"]


def test_open_reservations_are_those_that_are_old_enough(ledger: Ledger) -> None:
    _reserve(ledger, "aa01", "aa02")
    _issue(ledger, "aa03")
    later = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=2)
    assert [record.serial for record in ledger.certificates.reserved(later)] == ["aa01", "aa02"]
    assert ledger.certificates.reserved(later - dt.timedelta(minutes=1)) == []
