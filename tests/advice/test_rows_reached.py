"""Each row of the table is reached by an authority, a certificate or a key file that anchorhold makes."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from anchorhold import IssuancePolicy, KeySpec, Order, key_spec, open_installation, software_keys
from anchorhold.advice.programs import PROGRAMS
from anchorhold.advice.rows import ROWS, row_of
from anchorhold.key_file import key_file
from anchorhold.pkcs8 import dump_pkcs8
from anchorhold.secret import Secret
from anchorhold.x509.validity import LATEST

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from anchorhold.advice.row import Case, Row
    from anchorhold.advice.verdict import Advice
    from anchorhold.installation import Installation
    from conftest import MakeCsr

RSA: Final = KeySpec(type="RSA", size=2048)
SIGNING: Final[dict[str, tuple[KeySpec, IssuancePolicy]]] = {
    "EC secp256r1": (key_spec("EC"), IssuancePolicy()),
    "EC secp521r1": (key_spec(curve="P-521"), IssuancePolicy()),
    "RSA": (RSA, IssuancePolicy()),
    "RSA with PSS": (RSA, IssuancePolicy(rsa_padding="pss")),
    "Ed25519": (key_spec("Ed25519"), IssuancePolicy()),
    "Ed448": (key_spec("Ed448"), IssuancePolicy()),
    "ML-DSA-65": (key_spec("ML-DSA-65"), IssuancePolicy()),
    "EC brainpoolP256r1": (key_spec(curve="brainpoolP256r1"), IssuancePolicy()),
    "EC secp256k1": (key_spec(curve="secp256k1"), IssuancePolicy()),
    "RSA with PSS and SHA3-256": (RSA, IssuancePolicy(hash="SHA3-256", rsa_padding="pss")),
    "EC with SHA3-256": (key_spec("EC"), IssuancePolicy(hash="SHA3-256")),
    "RSA with SHA3-256": (RSA, IssuancePolicy(hash="SHA3-256")),
}
FIVE: Final = ("DNS:example.com", "IP:192.0.2.0/24", "email:example.com", "URI:.example.com", "dirname:O=Example")
CONSTRAINTS: Final[dict[str, tuple[str, ...]]] = {
    "critical name constraints": ("DNS:example.com",),
    "permitted DNS": ("DNS:example.com",),
    "permitted IP": ("IP:192.0.2.0/24",),
    "permitted email": ("email:example.com",),
    "permitted dirname": ("dirname:O=Example",),
    "permitted URI": ("URI:.example.com",),
    "permitted names of five kinds": FIVE,
}
EXCLUDED: Final = {
    "excluded DNS": "DNS:example.org",
    "excluded email": "email:example.org",
    "excluded dirname": "dirname:O=Other",
    "excluded URI": "URI:.example.org",
}
ALL_ADDRESSES: Final = ("IP:0.0.0.0/0", "IP:::/0")
CERTIFICATES: Final = ("must-staple", "validity until 99991231235959Z", "EC key of the holder")
KEY_FILES: Final[dict[str, tuple[KeySpec, bool, bool]]] = {
    "encryption with PBES2": (key_spec("EC"), True, False),
    "encrypted RSA key": (RSA, True, True),
    "encrypted EC key": (key_spec("EC"), True, True),
    "encrypted Ed25519 key": (key_spec("Ed25519"), True, True),
    "RSA key": (RSA, False, False),
    "EC key": (key_spec("EC"), False, False),
    "Ed25519 key": (key_spec("Ed25519"), False, False),
    "PUBLIC KEY block behind the private key": (key_spec("EC"), False, True),
}
"""Each with its key, and whether it is encrypted and has the public key behind it."""
TRIED_HERE: Final = {
    *(("authority", what) for what in (*SIGNING, *CONSTRAINTS, *EXCLUDED, "excluded IP")),
    *(("certificate", what) for what in CERTIFICATES),
    ("list", "partial CRL"),
    *(("responder", what) for what in SIGNING if what not in ("RSA", "EC secp256k1")),
    *(("key file", what) for what in KEY_FILES),
}
EVERYBODY: Final = tuple(PROGRAMS)


def said(advice: Advice, case: str, what: str) -> dict[str, str]:
    """What programs say of one thing, by program."""
    return {
        refusal.program.name: refusal.says
        for finding in advice.findings
        if (finding.case, finding.what) == (case, what)
        for refusal in finding.refused_by
    }


def is_told(advice: Advice, case: Case, what: str) -> bool:
    """Whether exactly what the row has is told, with its condition; programs are asked for by name."""
    row = row_of(case, what)
    assert row is not None
    told = said(advice, case, what)
    conditions = {finding.only for finding in advice.findings if (finding.case, finding.what) == (case, what)}
    borrowed = told.keys() - row.refused.keys()  # from the library of a program that was not tried itself
    assert all(PROGRAMS[name].library in row.refused and name not in row.tried for name in borrowed)
    assert conditions in (set(), {row.only})
    return {name: told[name] for name in row.refused} == dict(row.refused)


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, str]]:
    """The rows that were looked up, those too that nobody refuses."""
    found: set[tuple[str, str]] = set()

    def seen(case: Case, what: str) -> Row | None:
        row = row_of(case, what)
        if row is not None:
            found.add((row.case, row.what))
        return row

    monkeypatch.setattr("anchorhold.advice.verdict.row_of", seen)
    return found


def test_no_row_is_left_out() -> None:
    assert {(row.case, row.what) for row in ROWS} == TRIED_HERE


def test_programs_of_a_row_were_tried() -> None:
    assert all(row.refused.keys() <= row.tried for row in ROWS)


@pytest.mark.parametrize("what", SIGNING)
def test_what_authorities_sign(what: str, installation: Installation, looked_up: set[tuple[str, str]]) -> None:
    spec, issuing = SIGNING[what]
    root = installation.authorities.create("Root", "CN=Root", key=spec, issuing=issuing, even_so=True)
    assert is_told(installation.advice.of_authority(root, EVERYBODY), "authority", what)
    assert ("authority", what) in looked_up
    plain = installation.advice.of_authority(root)
    row = row_of("authority", what)
    assert {finding.what for finding in plain.findings} == ({what} if row is not None and row.refused else set())
    assert plain.unmeasured == ()


@pytest.mark.parametrize("what", [what for case, what in sorted(TRIED_HERE) if case == "responder"])
def test_what_responders_answer(what: str, installation: Installation, looked_up: set[tuple[str, str]]) -> None:
    spec, issuing = SIGNING[what]
    root = installation.authorities.create("Root", "CN=Root", key=spec, issuing=issuing, even_so=True)
    assert not said(installation.advice.of_authority(root, EVERYBODY), "responder", what)
    installation.responders.renew(root)
    assert is_told(installation.advice.of_authority(root, EVERYBODY), "responder", what)
    assert ("responder", what) in looked_up


def test_a_responder_with_a_key_of_another_kind(installation: Installation) -> None:
    root = installation.authorities.create("Root", "CN=Root")
    installation.responders.renew(root, key=key_spec("Ed25519"))
    (finding,) = installation.advice.of_authority(root).findings
    assert (finding.case, finding.what) == ("responder", "Ed25519")


@pytest.mark.parametrize("what", CONSTRAINTS)
def test_name_constraints(what: str, installation: Installation, looked_up: set[tuple[str, str]]) -> None:
    root = installation.authorities.create("Root", "CN=Root,O=Example", permitted=CONSTRAINTS[what])
    advice = installation.advice.of_authority(root, EVERYBODY)
    assert is_told(advice, "authority", what)
    assert ("authority", what) in looked_up


@pytest.mark.parametrize("what", EXCLUDED)
def test_excluded_names(what: str, installation: Installation, looked_up: set[tuple[str, str]]) -> None:
    root = installation.authorities.create("Root", "CN=Root", excluded=[EXCLUDED[what]])
    assert is_told(installation.advice.of_authority(root, EVERYBODY), "authority", what)
    assert ("authority", what) in looked_up


def test_of_excluded_names_too_those_of_the_names_in_a_certificate_are_told(
    installation: Installation, make_csr: MakeCsr
) -> None:
    root = installation.authorities.create("Root", "CN=Root", excluded=list(EXCLUDED.values()))
    for names, told in ((["a.example.com"], set()), (["URI:https://a.example.com/"], {"excluded URI"})):
        issued = installation.certificates.sign(root, Order(csr=make_csr(), names=names, profile="client"))
        findings = installation.advice.of_issued(root, issued.der).findings
        assert {finding.what for finding in findings} == told | {"critical name constraints", "excluded dirname"}


def test_the_safe_form_is_refused_by_one_program_alone(
    installation: Installation, looked_up: set[tuple[str, str]]
) -> None:
    """Which reads no name constraints at all."""
    root = installation.authorities.create(
        "Root", "CN=Root", permitted=["DNS:example.com"], excluded=ALL_ADDRESSES, accepted_by=["java", "go", "nss"]
    )
    assert ("authority", "excluded IP") in looked_up
    (finding,) = installation.advice.of_authority(root).findings
    assert {refusal.program.family for refusal in finding.refused_by} == {"mbedtls"}


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (["DNS:a.example.com"], set()),
        (["IP:192.0.2.7"], {"permitted IP"}),
        (["email:me@example.com", "URI:https://a.example.com/"], {"permitted email", "permitted URI"}),
        (
            ["DNS:a.example.com", "IP:192.0.2.7", "email:me@example.com", "URI:https://a.example.com/"],
            {"permitted IP", "permitted email", "permitted URI"},
        ),
    ],
)
def test_of_constraints_those_of_the_names_in_a_certificate_are_told(
    names: list[str], told: set[str], installation: Installation, make_csr: MakeCsr
) -> None:
    root = installation.authorities.create("Root", "O=Example,CN=Root", permitted=FIVE)
    order = Order(csr=make_csr(), names=names, profile="client", subject="CN=x,O=Example")
    issued = installation.certificates.sign(root, order)
    findings = installation.advice.of_issued(root, issued.der).findings
    assert {finding.what for finding in findings} == told | {"critical name constraints", "permitted dirname"}


def test_a_certificate_of_an_authority_may_have_names_of_any_kind_below_it(
    installation: Installation, make_csr: MakeCsr
) -> None:
    root = installation.authorities.create("Root", "CN=Root", path_length=2, permitted=["IP:192.0.2.0/24"])
    order = Order(csr=make_csr(), profile="intermediate", subject="CN=Below")
    issued = installation.certificates.sign(root, order)
    assert "permitted IP" in {finding.what for finding in installation.advice.of_issued(root, issued.der).findings}


@pytest.mark.parametrize("critical", [True, False])
def test_constraints_that_are_not_critical_were_not_measured(critical: bool, installation: Installation) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name.from_rfc4514_string("CN=Elsewhere"), dt.datetime.now(dt.UTC)
    constraints = x509.NameConstraints([x509.DNSName("example.com")], None)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 7, now, now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(constraints, critical=critical)
        .sign(key, hashes.SHA256())
    )
    advice = installation.advice.of_file([made])
    assert [each.what for each in advice.findings] == ["critical name constraints"] * critical
    assert [each.what for each in advice.unmeasured] == ["uncritical name constraints"] * (not critical)


@pytest.fixture
def stapling(tmp_path: Path, database: str) -> Iterator[Installation]:
    """An installation whose profile ``staple`` requires stapling."""
    (tmp_path / "config.toml").write_text(
        '[profiles.staple]\nextended_key_usage = ["serverAuth"]\ntls_features = ["status_request"]\n'
    )
    with open_installation(tmp_path / "config.toml") as opened:
        yield opened


@pytest.mark.parametrize("what", CERTIFICATES)
def test_certificates(what: str, stapling: Installation, make_csr: MakeCsr, looked_up: set[tuple[str, str]]) -> None:
    root = stapling.authorities.create("Root", "CN=Root", expires=LATEST)
    orders: dict[str, dict[str, Any]] = {
        "must-staple": {"profile": "staple"},
        "validity until 99991231235959Z": {"expires": LATEST},
        "EC key of the holder": {},
    }
    issued = stapling.certificates.sign(root, Order(csr=make_csr(), names=["a.example.com"], **orders[what]))
    record = stapling.certificates.get(issued.serial)
    advice = stapling.advice.of_certificate(record, EVERYBODY)
    assert is_told(advice, "certificate", what)
    assert ("certificate", what) in looked_up


def test_a_certificate_that_ends_a_second_earlier_is_not_endless(installation: Installation, make_csr: MakeCsr) -> None:
    almost = LATEST - dt.timedelta(seconds=1)
    root = installation.authorities.create("Root", "CN=Root", expires=almost)
    issued = installation.certificates.sign(root, Order(csr=make_csr(), names=["a.example.com"], expires=almost))
    assert installation.advice.of_issued(root, issued.der).findings == ()


def test_partial_lists(installation: Installation, make_csr: MakeCsr) -> None:
    issuing = IssuancePolicy(hostname="pki.example.com", crl_shards=4)
    root = installation.authorities.create("Root", "CN=Root", issuing=issuing)
    issued = installation.certificates.sign(root, Order(csr=make_csr(), names=["a.example.com"]))
    for advice in (
        installation.advice.of_authority(root, EVERYBODY),
        installation.advice.of_issued(root, issued.der, EVERYBODY),
    ):
        assert is_told(advice, "list", "partial CRL")


@pytest.mark.parametrize("what", KEY_FILES)
def test_key_files(what: str, installation: Installation, looked_up: set[tuple[str, str]]) -> None:
    spec, encrypted, behind = KEY_FILES[what]
    key, password = software_keys.generate(spec), Secret("a password") if encrypted else None
    content = key_file(key, password) if behind else dump_pkcs8(key, password).reveal_bytes()
    advice = installation.advice.of_key_file(content, "www.key", EVERYBODY)
    assert is_told(advice, "key file", what)
    assert ("key file", what) in looked_up


@pytest.mark.parametrize(
    ("spec", "issuing", "what", "nearest"),
    [
        (key_spec(curve="brainpoolP512r1"), IssuancePolicy(), "EC brainpoolP512r1", "EC brainpoolP256r1"),
        (key_spec("ML-DSA-87"), IssuancePolicy(), "ML-DSA-87", "ML-DSA-65"),
        (key_spec("EC"), IssuancePolicy(hash="SHA3-512"), "EC with SHA3-512", "EC with SHA3-256"),
        (RSA, IssuancePolicy(hash="SHA3-384"), "RSA with SHA3-384", "RSA with SHA3-256"),
        (
            RSA,
            IssuancePolicy(hash="SHA3-384", rsa_padding="pss"),
            "RSA with PSS and SHA3-384",
            "RSA with PSS and SHA3-256",
        ),
    ],
)
def test_what_was_not_measured_itself_names_what_was(
    spec: KeySpec, issuing: IssuancePolicy, what: str, nearest: str, installation: Installation
) -> None:
    root = installation.authorities.create("Root", "CN=Root", key=spec, issuing=issuing, even_so=True)
    (finding,) = installation.advice.of_authority(root).findings
    assert (finding.what, finding.measured_with) == (what, nearest)


@pytest.mark.parametrize("curve", ["P-224", "P-384"])
def test_what_nobody_has_measured_is_said_to_be_so(curve: str, installation: Installation) -> None:
    root = installation.authorities.create("Root", "CN=Root", key=key_spec(curve=curve))
    advice = installation.advice.of_authority(root)
    assert advice.findings == ()
    assert [each.what for each in advice.unmeasured] == [f"EC {key_spec(curve=curve).curve}"]


def test_authorities_above_count(installation: Installation, make_csr: MakeCsr) -> None:
    installation.authorities.create("Root", "CN=Root", key=key_spec("Ed448"))
    issuing = installation.authorities.create("Issuing", "CN=Issuing", parent="Root")
    issued = installation.certificates.sign(issuing, Order(csr=make_csr(), names=["a.example.com"]))
    for advice in (installation.advice.of_authority(issuing), installation.advice.of_issued(issuing, issued.der)):
        assert {finding.what for finding in advice.findings} == {"Ed448"}


def test_a_root_that_signs_otherwise_now(installation: Installation) -> None:
    """Whether its signature on itself matters was not measured."""
    issuing = IssuancePolicy(hash="SHA3-256")
    root = installation.authorities.create("Root", "CN=Root", issuing=issuing, even_so=True)
    edited = installation.authorities.edit(root, changes={"hash": None}, accepted_by=["openssl", "go"])
    advice = installation.advice.of_authority(edited)
    assert advice.findings == ()
    assert [each.what for each in advice.unmeasured] == ["EC with SHA3-256 on the root alone"]
