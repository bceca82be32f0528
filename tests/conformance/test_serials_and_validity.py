"""Serial numbers (RFC 5280, section 4.1.2.2) and validity (section 4.1.2.5), to the octet and to the second."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any, Final

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from anchorhold import Order
from anchorhold.errors import ValidityError
from conformance.chains import Chains, installation_in
from programs import openssl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography import x509

    from conftest import Command

DAY: Final = dt.timedelta(days=1)
EARLY: Final = dt.timedelta(minutes=5)
VIENNA: Final = dt.timezone(dt.timedelta(hours=2))


@pytest.fixture(scope="module")
def chains(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chains]:
    settings = "[profiles.long]\ndays = 36500\n[profiles.day]\ndays = 1\n"
    with installation_in(tmp_path_factory.mktemp("chains"), settings) as installation:
        yield Chains(installation)


def span(certificate: x509.Certificate) -> dt.timedelta:
    """How long it is valid."""
    return certificate.not_valid_after_utc - certificate.not_valid_before_utc


def whole(moment: dt.datetime) -> dt.datetime:
    """Without its fraction of a second."""
    return moment.replace(microsecond=0)


def now() -> dt.datetime:
    """The present, UTC."""
    return dt.datetime.now(dt.UTC)


def sign(chains: Chains, **order: Any) -> x509.Certificate:
    """A certificate for www.example.com from a root."""
    names = ["www.example.com"]
    return chains.sign(chains.authority("P-256"), Order(csr=chains.request("P-256"), names=names, **order))


def test_a_thousand_serial_numbers_are_unique_positive_and_random_in_at_least_64_bits(chains: Chains) -> None:
    orders = [Order(csr=chains.request("P-256"), names=["www.example.com"])] * 1_000
    with chains.installation.certificates.issuer(chains.authority("P-256")) as issuer:
        issued = issuer.sign_many(orders)
    serials = [each.certificate.serial_number for each in issued]
    assert [f"{serial:040x}" for serial in serials] == [each.serial for each in issued]
    assert len(set(serials)) == 1_000
    # the first octet is neither zero (fewer octets) nor has its highest bit set (a twenty-first, or negative)
    assert {(serial.bit_length() + 8) // 8 for serial in serials} == {20}
    # a bit that is random is 0 at least once and 1 at least once in a thousand, but for a chance of 2**-999
    random = [bit for bit in range(160) if len({serial >> bit & 1 for serial in serials}) == 2]
    assert len(random) >= 64


def test_the_serial_numbers_of_authorities_are_of_the_same_kind(chains: Chains) -> None:
    serials = [each.serial_number for each in chains.above(chains.issuing("P-256"))]
    assert len(set(serials)) == 2
    assert {(serial.bit_length() + 8) // 8 for serial in serials} == {20}


@pytest.mark.parametrize(
    ("order", "days"),
    [({}, 90), ({"profile": "ocsp"}, 7), ({"profile": "intermediate"}, 5 * 365), ({"profile": "day"}, 1)],
)
def test_a_certificate_is_valid_from_five_minutes_ago_for_the_days_of_its_profile(
    chains: Chains, order: dict[str, Any], days: int
) -> None:
    before = whole(now())
    certificate = sign(chains, **order)
    assert before - EARLY <= certificate.not_valid_before_utc <= now() - EARLY
    assert span(certificate) == days * DAY


def test_an_authority_is_valid_from_five_minutes_ago_for_ten_years_or_five(chains: Chains) -> None:
    before = whole(now())
    root = chains.installation.authorities.create("Ten", "CN=Ten")
    issuing = chains.installation.authorities.create("Five", "CN=Five", parent=root)
    begun = [each.certificate.not_valid_before_utc for each in (root, issuing)]
    assert before - EARLY <= begun[0] <= begun[1] <= now() - EARLY
    assert [span(each.certificate) for each in (root, issuing)] == [3650 * DAY, 1825 * DAY]


@pytest.mark.parametrize("fraction", [0, 999_999])
@pytest.mark.parametrize("zone", [dt.UTC, VIENNA, dt.timezone(dt.timedelta(hours=-11))])
def test_a_certificate_expires_at_the_very_second_that_was_asked_for(
    chains: Chains, zone: dt.timezone, fraction: int
) -> None:
    wanted = (now() + 3 * DAY).astimezone(zone).replace(microsecond=fraction)
    certificate = sign(chains, expires=wanted)
    assert certificate.not_valid_after_utc == whole(wanted)
    record = chains.installation.certificates.get(f"{certificate.serial_number:x}")
    assert (record.not_before, record.not_after) == (certificate.not_valid_before_utc, certificate.not_valid_after_utc)


@pytest.mark.parametrize("zone", [dt.UTC, VIENNA])
def test_an_authority_expires_at_the_very_second_that_was_asked_for(chains: Chains, zone: dt.timezone) -> None:
    wanted = (now() + 30 * DAY).astimezone(zone).replace(microsecond=0)
    authority = chains.installation.authorities.create(f"Until {wanted}", "CN=Until", expires=wanted)
    assert authority.certificate.not_valid_after_utc == wanted
    assert authority.record.not_after == wanted


def test_a_moment_without_a_time_zone_is_utc_as_on_the_command_line(chains: Chains) -> None:
    wanted = whole(now() + 3 * DAY)
    assert sign(chains, expires=wanted.replace(tzinfo=None)).not_valid_after_utc == wanted


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("2030-12-31", dt.datetime(2030, 12, 31, tzinfo=dt.UTC)),
        ("2030-12-31T23:59:58", dt.datetime(2030, 12, 31, 23, 59, 58, tzinfo=dt.UTC)),
        ("2030-12-31T12:00:00+02:00", dt.datetime(2030, 12, 31, 10, tzinfo=dt.UTC)),
        ("2030-12-31T12:00:00Z", dt.datetime(2030, 12, 31, 12, tzinfo=dt.UTC)),
        ("90", 90 * DAY),
        ("12h", DAY / 2),
        ("2w", 14 * DAY),
        ("15m", DAY / 96),
        ("3mo", 90 * DAY),
        ("1y6mo", 545 * DAY),
        ("P2Y", 730 * DAY),
        ("PT36H", 1.5 * DAY),
        ("2y", 730 * DAY),
    ],
)
def test_the_command_reads_when_an_authority_expires(
    anchorhold: Command, text: str, end: dt.datetime | dt.timedelta
) -> None:
    before = whole(now())
    created = anchorhold("init-ca", "Root", "CN=Root", "--expires", text, "--output-format", "der")
    assert created.exit_code == 0, created.talk
    dates = openssl("x509", "-inform", "der", "-noout", "-enddate", "-dateopt", "iso_8601", stdin=created.data)
    found = dt.datetime.fromisoformat(dates.strip().removeprefix("notAfter="))
    if isinstance(end, dt.datetime):
        assert found == end
    else:
        assert before + end <= found <= now() + end


def test_a_default_is_shortened_to_the_last_second_of_the_authority(chains: Chains) -> None:
    root = chains.installation.authorities.create("Week", "CN=Week", expires=now() + 7 * DAY)
    issuing = chains.installation.authorities.create("Below week", "CN=Below week", parent=root)
    leaf = chains.sign(issuing, Order(csr=chains.request("P-256"), names=["www.example.com"], profile="long"))
    ends = [each.not_valid_after_utc for each in (root.certificate, issuing.certificate, leaf)]
    assert ends[0] == ends[1] == ends[2]


@pytest.mark.parametrize("beyond", [dt.timedelta(seconds=1), 365 * DAY])
def test_an_explicit_end_beyond_the_authority_is_refused(chains: Chains, beyond: dt.timedelta) -> None:
    last = chains.authority("P-256").certificate.not_valid_after_utc
    assert sign(chains, expires=last).not_valid_after_utc == last
    with pytest.raises(ValidityError, match="expires"):
        sign(chains, expires=last + beyond)
    with pytest.raises(ValidityError, match="expires"):
        chains.installation.authorities.create(
            "Beyond", "CN=Beyond", parent=chains.authority("P-256"), expires=last + beyond
        )


@pytest.mark.parametrize(
    ("end", "encoded"),
    [
        (dt.datetime(2049, 12, 31, 23, 59, 59, tzinfo=dt.UTC), ("UTCTIME", "491231235959Z")),
        (dt.datetime(2050, 1, 1, tzinfo=dt.UTC), ("GENERALIZEDTIME", "20500101000000Z")),
        (dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC), ("GENERALIZEDTIME", "99991231235959Z")),
    ],
)
def test_times_are_generalized_from_2050_on(chains: Chains, end: dt.datetime, encoded: tuple[str, str]) -> None:
    root = chains.installation.authorities.create(f"Until {end}", "CN=Late", expires=end)
    leaf = chains.sign(root, Order(csr=chains.request("P-256"), names=["www.example.com"], expires=end))
    for certificate in (root.certificate, leaf):
        parsed = openssl("asn1parse", "-inform", "der", stdin=certificate.public_bytes(Encoding.DER))
        times = re.findall(r"(UTCTIME|GENERALIZEDTIME)\s*:(\w+)", parsed)
        assert [kind for kind, _ in times] == ["UTCTIME", encoded[0]]
        assert times[1] == encoded
    assert root.record.not_after == end
