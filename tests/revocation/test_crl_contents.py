"""What is in a list, field by field, as ``cryptography`` and openssl read it (RFC 5280, section 5)."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import SignatureAlgorithmOID

from anchorhold import IssuancePolicy, errors, key_spec
from anchorhold.x509.crls import entries_span
from cli.cli_steps import good, refused
from conformance.chains import KEYS
from programs import openssl
from revocation.crl_steps import entries, leaf, made_by, new_list, reasons, serial_of, signed

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold.algorithms import KeySpec
    from anchorhold.installation import Installation
    from conftest import Command, MakeCsr

EARLY = dt.timedelta(minutes=5)
"""How long before it is made a list begins."""
SHARDS = IssuancePolicy(
    crl_urls=("http://crl.example.com/{shard}.crl", "http://other.example.com/crl?{shard}"), crl_shards=3
)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[dt.datetime]:
    """The moment it is for revoking and for making lists; may be changed."""
    moments = [dt.datetime.now(dt.UTC).replace(microsecond=0)]
    for module in ("revocation", "crls"):
        monkeypatch.setattr(f"anchorhold.operations.{module}.now", lambda: moments[0])
    return moments


@pytest.fixture
def root(anchorhold: Command, csr_file: Path) -> Command:
    """The command line of an installation with the authority ``Root``, and a request in ``example.csr``."""
    assert csr_file.name == "example.csr"
    good(anchorhold("init-ca", "Root", "CN=Root"))
    return anchorhold


def _extensions(crl: x509.CertificateRevocationList) -> dict[type[Any], tuple[bool, Any]]:
    return {type(part.value): (part.critical, part.value) for part in crl.extensions}


def _text(crl: x509.CertificateRevocationList) -> str:
    return openssl("crl", "-inform", "DER", "-noout", "-text", stdin=crl.public_bytes(Encoding.DER))


def test_every_field_of_a_full_list(installation: Installation, make_csr: MakeCsr, clock: list[dt.datetime]) -> None:
    root = installation.authorities.create("Root", "CN=Root,O=Example", issuing=SHARDS)
    cert = leaf(installation, root, make_csr())
    installation.revocations.revoke(serial_of(cert), "superseded")
    full = made_by(installation, root)[0]
    assert full.issuer.public_bytes() == root.certificate.subject.public_bytes()
    begun = max(clock[0] - EARLY, root.certificate.not_valid_before_utc)
    assert (full.last_update_utc, full.next_update_utc) == (begun, clock[0] + dt.timedelta(days=7))
    assert full.signature_algorithm_oid == SignatureAlgorithmOID.ECDSA_WITH_SHA256
    identifier = root.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    assert _extensions(full) == {
        x509.AuthorityKeyIdentifier: (False, x509.AuthorityKeyIdentifier(identifier, None, None)),
        x509.CRLNumber: (False, x509.CRLNumber(1)),
    }
    (entry,) = full
    assert (entry.serial_number, entry.revocation_date_utc) == (cert.serial_number, clock[0])
    assert [(part.critical, part.value) for part in entry.extensions] == [
        (False, x509.CRLReason(x509.ReasonFlags.superseded))
    ]


def test_openssl_reads_the_same(installation: Installation, make_csr: MakeCsr) -> None:
    root = installation.authorities.create("Root", "CN=Root,O=Example")
    cert = leaf(installation, root, make_csr())
    installation.revocations.revoke(serial_of(cert), "keyCompromise", dt.datetime(2020, 1, 2, 3, 4, 5, tzinfo=dt.UTC))
    shown = _text(made_by(installation, root)[0])
    assert "Version 2 (0x1)" in shown
    assert "X509v3 CRL Number: \n                1\n" in shown
    assert f"Serial Number: {serial_of(cert).upper()}" in shown
    assert "X509v3 CRL Reason Code: \n                Key Compromise\n" in shown
    assert "Invalidity Date: \n                Jan  2 03:04:05 2020 GMT\n" in shown
    assert re.search(r"X509v3 Authority Key Identifier: \n +[0-9A-F:]{59}\n", shown)


def test_partial_lists_have_critical_distribution_points_that_match_the_certificates(
    installation: Installation, make_csr: MakeCsr
) -> None:
    root = installation.authorities.create("Root", "CN=Root", issuing=SHARDS)
    csr = make_csr()
    certs = [leaf(installation, root, csr) for _ in range(9)]
    for cert in certs:
        installation.revocations.revoke(serial_of(cert))
    full, *partial = made_by(installation, root)
    assert set(entries(full)) == set(map(serial_of, certs))
    assert len(partial) == 3
    for cert in certs:
        (point,) = cert.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
        for crl in partial:
            critical, value = _extensions(crl)[x509.IssuingDistributionPoint]
            assert critical
            assert (value.full_name == point.full_name) == (serial_of(cert) in entries(crl))
            assert not (value.indirect_crl)
            assert not (value.only_some_reasons)
            assert not (value.only_contains_ca_certs)
            assert not (value.only_contains_user_certs)
            assert not (value.only_contains_attribute_certs)
    assert sum(map(len, partial)) == len(certs)


def test_every_list_of_an_authority_has_a_number_of_its_own_and_they_rise(installation: Installation) -> None:
    root = installation.authorities.create("Root", "CN=Root", issuing=SHARDS)
    lists = [*made_by(installation, root), *made_by(installation, root)]
    assert [_extensions(crl)[x509.CRLNumber][1].crl_number for crl in lists] == list(range(1, 9))


def test_the_number_of_a_list_that_could_not_be_signed_is_not_used_again(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = installation.authorities.create("Root", "CN=Root")
    made_by(installation, root)
    with monkeypatch.context() as patched:
        patched.setattr("anchorhold.operations.signing.is_signed_by", lambda *_: False)
        with pytest.raises(errors.SignatureError):
            made_by(installation, root)
    last = installation.crls.latest(root)
    assert last is not None
    assert last.number == 1
    assert [_extensions(crl)[x509.CRLNumber][1].crl_number for crl in made_by(installation, root)] == [3]


def test_an_empty_list_has_no_revoked_certificates(root: Command) -> None:
    """They must be absent, not empty (section 5.1.2.6)."""
    crl = new_list(root)
    begin, end = entries_span(crl.tbs_certlist_bytes)
    assert (len(crl), begin == end) == (0, True)
    assert _members(crl.tbs_certlist_bytes) == [0x02, 0x30, 0x30, 0x17, 0x17, 0xA0]
    assert "No Revoked Certificates" in _text(crl)


def _members(tbs: bytes) -> list[int]:
    """The tags of the members of a TBSCertList."""
    data, tags = bytes(asn1.decode_der(asn1.TLV, tbs).data), []
    while data:
        octets = data[1] & 0x7F if data[1] & 0x80 else 0
        length = int.from_bytes(data[2 : 2 + octets]) if octets else data[1]
        tags.append(data[0])
        data = data[2 + octets + length :]
    return tags


def test_a_list_is_empty_again_when_all_was_released(root: Command) -> None:
    serial = signed(root)
    good(root("revoke-cert", serial, "--reason=certificateHold"))
    assert reasons(new_list(root)) == {serial: "certificateHold"}
    good(root("revoke-cert", serial, "--release"))
    assert 0x30 not in _members(new_list(root).tbs_certlist_bytes)[4:]


@pytest.mark.parametrize(
    ("moment", "begun", "tag"),
    [
        (dt.datetime(2049, 12, 31, 23, 59, 59, tzinfo=dt.UTC), 0x17, 0x17),
        (dt.datetime(2050, 1, 1, 0, 0, 0, tzinfo=dt.UTC), 0x17, 0x18),
        (dt.datetime(2050, 1, 1, 0, 4, 59, tzinfo=dt.UTC), 0x17, 0x18),
        (dt.datetime(2050, 1, 1, 0, 5, 0, tzinfo=dt.UTC), 0x18, 0x18),
    ],
)
def test_times_are_utc_time_through_2049_and_generalized_time_from_2050(
    moment: dt.datetime, begun: int, tag: int, installation: Installation, make_csr: MakeCsr, clock: list[dt.datetime]
) -> None:
    root = installation.authorities.create("Root", "CN=Root", expires=dt.datetime(2060, 1, 1, tzinfo=dt.UTC))
    cert = leaf(installation, root, make_csr())
    clock[0] = moment
    installation.revocations.revoke(serial_of(cert), invalidity=dt.datetime(2024, 1, 1, tzinfo=dt.UTC))
    (crl,) = made_by(installation, root)
    assert _members(crl.tbs_certlist_bytes)[3] == begun
    (entry,) = crl
    assert entry.revocation_date_utc == moment
    assert crl.last_update_utc == moment - EARLY
    der = crl.tbs_certlist_bytes
    begin, end = entries_span(der)
    text = moment.strftime("%y%m%d%H%M%SZ" if tag == 0x17 else "%Y%m%d%H%M%SZ").encode()
    assert bytes((tag, len(text))) + text in der[begin:end]
    assert b"\x18\x0f20240101000000Z" in der[begin:end]  # an invalidity date is GeneralizedTime always (5.3.2)


def test_the_next_update_is_as_asked_and_not_after_the_end_of_the_authority(
    installation: Installation, clock: list[dt.datetime]
) -> None:
    root = installation.authorities.create("Root", "CN=Root", expires=clock[0] + dt.timedelta(days=30))
    end = root.certificate.not_valid_after_utc
    for asked, expected in ((dt.timedelta(hours=12), clock[0] + dt.timedelta(hours=12)), (dt.timedelta(days=90), end)):
        (made,) = installation.crls.generate(root, lifetime=asked)
        assert made.next_update == x509.load_der_x509_crl(made.der).next_update_utc == expected
    clock[0] = end - dt.timedelta(seconds=1)
    (made,) = installation.crls.generate(root)
    assert (made.this_update, made.next_update) == (clock[0], end)


@pytest.mark.parametrize("lifetime", [dt.timedelta(0), dt.timedelta(days=-1)])
def test_a_list_that_is_over_when_it_begins_is_refused(lifetime: dt.timedelta, installation: Installation) -> None:
    root = installation.authorities.create("Root", "CN=Root")
    with pytest.raises(errors.ValidityError):
        list(installation.crls.generate(root, lifetime=lifetime))
    assert installation.crls.latest(root) is None


def test_an_expired_authority_makes_no_list_and_does_not_stop_the_others(
    anchorhold: Command, clock: list[dt.datetime]
) -> None:
    good(anchorhold("init-ca", "Old", "CN=Old", "--expires=30"))
    good(anchorhold("init-ca", "New", "CN=New"))
    clock[0] += dt.timedelta(days=31)
    refused(anchorhold("generate-crls", "Old"), errors.AuthorityExpiredError, "'Old'")
    talk = good(anchorhold("generate-crls")).talk
    assert "of New" in talk
    assert "'Old': expired" in talk
    refused(anchorhold("dump-crl", "Old"), errors.UnknownCertificateError, "'Old'")


def test_a_disabled_authority_makes_lists_for_what_it_has_signed(root: Command) -> None:
    serial = signed(root)
    good(root("revoke-cert", serial))
    good(root("edit-ca", "Root", "--disable"))
    assert set(entries(new_list(root))) == {serial}
    assert "of Root, up to number 2" in good(root("generate-crls")).talk  # also when none is named


def test_an_authority_that_waits_for_its_certificate_makes_no_list(root: Command) -> None:
    good(root("init-ca", "Waiting", "CN=Waiting", "--csr-out=waiting.csr"))
    refused(root("generate-crls", "Waiting"), errors.AuthorityNotReadyError, "'Waiting'")
    assert "Waiting" not in good(root("generate-crls")).talk


def test_one_authority_that_fails_does_not_stop_the_others(root: Command, ca_dir: Path) -> None:
    good(root("init-ca", "Second", "CN=Second"))
    good(root("init-ca", "Third", "CN=Third"))
    keys = [path for path in ca_dir.rglob("*") if path.is_file() and b"PRIVATE KEY" in path.read_bytes()]
    assert len(keys) == 3
    min(keys, key=lambda path: path.stat().st_mtime_ns).unlink()
    outcome = root("generate-crls")
    assert outcome.exit_code == errors.KeyMissingError.exit_code
    assert "of Second" in outcome.talk
    assert "of Third" in outcome.talk
    assert outcome.talk.splitlines()[-1].startswith("anchorhold: ")


@pytest.mark.parametrize(
    ("options", "reason"),
    [(("--expires=1h",), None), (("--expires=soon",), errors.ValidityError), (("--expires=0d",), errors.ValidityError)],
)
def test_the_lifetime_is_read_from_the_command_line(
    options: tuple[str, ...], reason: type[errors.AnchorholdError] | None, root: Command
) -> None:
    outcome = root("generate-crls", "Root", *options)
    if reason is None:
        crl = x509.load_pem_x509_crl(good(root("dump-crl", "Root")).data)
        assert crl.next_update_utc is not None
        assert dt.timedelta(minutes=64) < crl.next_update_utc - crl.last_update_utc <= dt.timedelta(minutes=65)
    else:
        refused(outcome, reason, "expiry")


SIGNERS: dict[str, tuple[KeySpec, IssuancePolicy]] = {
    **{name: (spec, IssuancePolicy()) for name, spec in KEYS.items()},
    **{
        f"RSA-PSS {name}": (KEYS["RSA"], IssuancePolicy(rsa_padding="pss", hash=name))
        for name in ("SHA-256", "SHA-512")
    },
    "SHA3-256": (KEYS["P-256"], IssuancePolicy(hash="SHA3-256")),
    **{name: (key_spec(name), IssuancePolicy()) for name in ("ML-DSA-44", "ML-DSA-65", "ML-DSA-87")},
}


@pytest.mark.parametrize("kind", SIGNERS)
def test_authorities_with_each_kind_of_key_make_lists_that_verify(
    kind: str, installation: Installation, make_csr: MakeCsr
) -> None:
    spec, issuing = SIGNERS[kind]
    root = installation.authorities.create("Root", "CN=Root", key=spec, issuing=issuing, even_so=True)
    cert = leaf(installation, root, make_csr())
    (empty,) = made_by(installation, root)
    installation.revocations.revoke(serial_of(cert), "keyCompromise")
    (crl,) = made_by(installation, root)
    for each in (empty, crl):
        assert each.is_signature_valid(root.certificate.public_key())  # type: ignore[arg-type]
        assert each.signature_algorithm_oid == root.certificate.signature_algorithm_oid
        assert each.signature_algorithm_parameters == root.certificate.signature_algorithm_parameters or kind != "RSA"
    assert reasons(crl) == {serial_of(cert): "keyCompromise"}


@pytest.mark.parametrize(("form", "load"), [("pem", x509.load_pem_x509_crl), ("der", x509.load_der_x509_crl)])
def test_dump_crl_writes_the_newest_list(form: str, load: Any, root: Command, tmp_path: Path) -> None:
    refused(root("dump-crl", "Root"), errors.UnknownCertificateError, "'Root'", "generate-crls")
    new_list(root)
    newest = new_list(root)
    assert load(good(root("dump-crl", "Root", "-f", form)).data) == newest
    assert good(root("dump-crl", "Root", "-f", form, "-o", "list.crl")).data == b""
    assert load((tmp_path / "list.crl").read_bytes()) == newest


def test_dump_crl_writes_partial_lists_by_their_number(anchorhold: Command, csr_file: Path) -> None:
    assert csr_file.is_file()
    good(anchorhold("init-ca", "Root", "CN=Root", "--crl-url=http://crl.example.com/{shard}", "--crl-shards=2"))
    assert "Generated 3 CRLs of Root, up to number 6." in good(anchorhold("generate-crls")).talk
    for shard in (0, 1):
        crl = x509.load_pem_x509_crl(good(anchorhold("dump-crl", "Root", f"--shard={shard}")).data)
        names = _extensions(crl)[x509.IssuingDistributionPoint][1].full_name
        assert [name.value for name in names] == [f"http://crl.example.com/{shard}"]
    refused(anchorhold("dump-crl", "Root", "--shard=2"), errors.UnknownCertificateError)


def test_dump_crl_as_json_says_what_the_list_is_without_its_entries(root: Command) -> None:
    good(root("revoke-cert", signed(root)))
    crl = new_list(root)
    shown = json.loads(good(root("dump-crl", "Root", "-f", "json")).data)
    assert crl.next_update_utc is not None
    assert shown == {
        "number": 1,
        "shard": None,
        "this_update": crl.last_update_utc.isoformat(),
        "next_update": crl.next_update_utc.isoformat(),
        "revoked": 1,
    }
