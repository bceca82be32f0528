"""The wrapper ``quorum`` from inside: what repeats what was approved, and that nothing in the folder is believed."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import shutil
from typing import TYPE_CHECKING, Any, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from anchorhold import software_keys
from anchorhold.algorithms import key_spec
from anchorhold.errors import RefusedError
from anchorhold.plugin import CertificateAuthority, SignRequest, WrapperContext
from anchorhold.public_keys import spki
from anchorhold_quorum import Quorum
from anchorhold_quorum.cases import Case
from anchorhold_quorum.description import describe, summary
from anchorhold_quorum.encoding import content_of
from anchorhold_quorum.folder import write_approval

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold.plugin import Purpose

CA: Final = CertificateAuthority(name="Root", subject="CN=Root")
KEY: Final = ec.generate_private_key(ec.SECP256R1())
OTHER_KEY: Final = ec.generate_private_key(ec.SECP256R1())
DAY: Final = dt.timedelta(days=1)
START: Final = dt.datetime(2049, 12, 30, tzinfo=dt.UTC)  # so that dates are written in both ways
PEOPLE: Final = {name: Ed25519PrivateKey.generate() for name in ("alice", "bob", "carol")}


def certificate(**changed: Any) -> bytes:
    """The TBSCertificate of an issuing CA."""
    usual = {"subject": "CN=Issuing", "begin": START, "end": START + 90 * DAY, "path_length": 0, "serial": 7}
    facts: dict[str, Any] = usual | changed
    builder = x509.CertificateBuilder(
        issuer_name=x509.Name.from_rfc4514_string(facts.get("issuer", "CN=Root")),
        subject_name=x509.Name.from_rfc4514_string(facts["subject"]),
        public_key=facts.get("key", OTHER_KEY).public_key(),
        serial_number=facts["serial"],
        not_valid_before=facts["begin"],
        not_valid_after=facts["end"],
    )
    extension = x509.BasicConstraints(ca=True, path_length=facts["path_length"])
    return (
        builder.add_extension(extension, critical=True)
        .sign(KEY, facts.get("hash", hashes.SHA256()))
        .tbs_certificate_bytes
    )


def crl(**changed: Any) -> bytes:
    """A TBSCertList."""
    usual = {"number": 3, "begin": START, "end": START + 7 * DAY, "revoked": (5,), "url": "http://a"}
    facts: dict[str, Any] = usual | changed
    builder = x509.CertificateRevocationListBuilder(
        x509.Name.from_rfc4514_string("CN=Root"), facts["begin"], facts["end"]
    )
    for serial in facts["revoked"]:
        entry = x509.RevokedCertificateBuilder(serial, START - DAY).build()
        builder = builder.add_revoked_certificate(entry)
    point = x509.IssuingDistributionPoint(
        [x509.UniformResourceIdentifier(facts["url"])], None, False, False, None, False, False
    )
    builder = builder.add_extension(x509.CRLNumber(facts["number"]), False).add_extension(point, True)
    return builder.sign(KEY, hashes.SHA256()).tbs_certlist_bytes


MAKERS: Final = {"certificate": certificate, "crl": crl}
REPEATS: Final[dict[str, dict[str, tuple[dict[str, Any], bool]]]] = {
    "certificate": {
        "nothing": ({}, True),
        "serial number": ({"serial": 2**150}, True),
        "a day later": ({"begin": START + DAY, "end": START + 91 * DAY}, True),
        "seven days later": ({"begin": START + 7 * DAY, "end": START + 97 * DAY}, True),
        "a fixed end": ({"begin": START + DAY}, True),
        "too late": ({"begin": START + 8 * DAY, "end": START + 98 * DAY}, False),
        "earlier": ({"begin": START - DAY, "end": START + 89 * DAY}, False),
        "longer": ({"end": START + 91 * DAY}, False),
        "shorter": ({"end": START + 89 * DAY}, False),
        "subject": ({"subject": "CN=Other"}, False),
        "issuer": ({"issuer": "CN=Other"}, False),
        "key": ({"key": KEY}, False),
        "extension": ({"path_length": 1}, False),
        "algorithm": ({"hash": hashes.SHA384()}, False),
    },
    "crl": {
        "nothing": ({}, True),
        "number": ({"number": 200}, True),
        "a day later": ({"begin": START + DAY, "end": START + 8 * DAY, "number": 4}, True),
        "longer": ({"end": START + 8 * DAY}, False),
        "one more entry": ({"revoked": (5, 6)}, False),
        "one entry less": ({"revoked": ()}, False),
        "another entry": ({"revoked": (6,)}, False),
        "extension": ({"url": "http://b"}, False),
    },
}


@pytest.mark.parametrize(
    ("purpose", "change"), [(purpose, change) for purpose in REPEATS for change in REPEATS[purpose]]
)
def test_what_repeats_what_was_shown(purpose: str, change: str) -> None:
    changed, expected = REPEATS[purpose][change]
    shown, again = (Case(purpose, "Root", b"key", MAKERS[purpose](**facts)) for facts in ({}, changed))
    assert again.repeats(shown, 7) is expected
    assert not Case(purpose, "Root", b"another key", again.message).repeats(shown, 7)
    assert again.repeats(shown, 0) is (expected and "begin" not in changed)


@pytest.mark.parametrize("octets", [b"", b"\x30", b"\x30\x05\x02\x01", b"\x30\x03\x02\x01\x05\x00", b"\x30\x84\xff"])
def test_what_is_not_der_is_an_error(octets: bytes) -> None:
    with pytest.raises(ValueError, match=r"cut short|more behind"):
        content_of("crl", octets)


def test_a_digest_is_that_of_exactly_what_is_signed_and_the_statement_names_key_and_purpose() -> None:
    case = Case("certificate", "Root", spki(KEY.public_key()), certificate())
    assert case.digest == hashlib.sha256(certificate()).hexdigest()
    assert case.statement.decode().splitlines() == [
        "anchorhold-quorum 1",
        "certificate",
        f"key {hashlib.sha256(spki(KEY.public_key())).hexdigest()}",
        f"digest {case.digest}",
    ]
    assert Case.from_json(case.to_json()) == case


def test_approvers_see_all_of_a_crl_and_of_a_signing_request() -> None:
    shown = describe(Case("crl", "Root", b"key", crl()))
    assert "Revoked:     5 on 2049-12-29 00:00:00 UTC" in shown
    assert "Next update: 2050-01-06 00:00:00 UTC" in shown
    request = x509.CertificateSigningRequestBuilder(x509.Name.from_rfc4514_string("CN=Own")).sign(KEY, hashes.SHA256())
    case = Case("csr", "Root", b"key", request.tbs_certrequest_bytes)
    assert summary(case) == f"{case.digest[:16]}  csr          Root: CN=Own"


def test_names_cannot_look_like_lines_that_approvers_see_nor_command_their_terminal() -> None:
    lines = describe(Case("certificate", "Root", b"key", certificate(subject="CN=a\nSubject:     CN=b\x1b[2J")))
    assert [line for line in lines if line.startswith("Subject:")] == [
        "Subject:     CN=a\\x0aSubject:     CN=b\\x1b[2J",
    ]


@pytest.mark.parametrize("more", [{"purpose": "ocsp"}, {"version": 2}, {"key": None}, {"message": "no base64"}])
def test_a_request_that_is_none_of_ours_is_an_error(more: dict[str, Any]) -> None:
    written = json.loads(Case("certificate", "Root", b"key", certificate()).to_json())
    with pytest.raises(ValueError, match=r"purpose|version|not a request|base64"):
        Case.from_json(json.dumps(written | more))


class Signing:
    """The wrapper around a key, in one folder."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.folder = folder
        known = {name: base64.b64encode(spki(key.public_key())).decode() for name, key in PEOPLE.items()}
        given = {"folder": folder, "approvers": known}
        self.wrapper = Quorum(Quorum.Options.model_validate(given | options), WrapperContext(alias="a", role="ca"))

    def sign(self, message: bytes, purpose: Purpose = "certificate", failure: Exception | None = None) -> bytes:
        """Ask for a signature as core does."""
        signer = software_keys.SoftwareSigner(KEY)
        request = SignRequest(message=message, algorithm=key_spec("EC").algorithm(), purpose=purpose, ca=CA)
        going = self.wrapper.sign(request, signer)
        next(going)
        try:
            if failure is not None:
                going.throw(failure)
            going.send(b"signature")
        except StopIteration as done:
            answer: bytes = done.value
            return answer
        raise AssertionError("the wrapper yielded twice")

    def ask(self, message: bytes, purpose: Purpose = "certificate") -> Case:
        """Have a signature refused; what waits now."""
        with pytest.raises(RefusedError):
            self.sign(message, purpose)
        return Case(purpose, "Root", spki(KEY.public_key()), message)

    def approve(self, case: Case, *names: str, statement: bytes | None = None) -> None:
        """Approve something, or something else in its place."""
        for name in names:
            place = self.folder / "pending" / case.digest / f"{name}.approval"
            write_approval(place, PEOPLE[name].sign(statement or case.statement))


def test_approvals_for_another_digest_purpose_or_key_do_not_count(tmp_path: Path) -> None:
    signing = Signing(tmp_path)
    case = signing.ask(certificate())
    others = (
        Case("certificate", "Root", case.key, certificate(serial=8)),
        Case("crl", "Root", case.key, case.message),
        Case("certificate", "Root", spki(OTHER_KEY.public_key()), case.message),
    )
    for other in others:
        signing.approve(case, *PEOPLE, statement=other.statement)
        with pytest.raises(RefusedError, match="has 0 of 2 approvals"):
            signing.sign(certificate())
    signing.approve(case, "bob", "carol")
    assert signing.sign(certificate()) == b"signature"


def test_an_approved_request_whose_contents_were_changed_is_not_used(tmp_path: Path) -> None:
    signing = Signing(tmp_path)
    case = signing.ask(certificate())
    signing.approve(case, *PEOPLE)
    other = Case("certificate", "Root", case.key, certificate(subject="CN=Evil"))
    (tmp_path / "pending" / case.digest / "request.json").write_text(other.to_json())
    for wanted in (certificate(serial=9), certificate(subject="CN=Evil", serial=9)):
        with pytest.raises(RefusedError, match="has 0 of 2 approvals"):
            signing.sign(wanted)


def test_a_request_that_was_used_is_not_used_again_even_if_it_is_copied_back(tmp_path: Path) -> None:
    signing = Signing(tmp_path)
    case = signing.ask(certificate())
    signing.approve(case, "alice", "bob")
    signing.sign(certificate(serial=8))
    shutil.copytree(tmp_path / "used" / case.digest, tmp_path / "pending" / case.digest)
    with pytest.raises(RefusedError, match="has 0 of 2 approvals"):
        signing.sign(certificate(serial=9))


def test_a_signature_that_fails_gives_the_approvals_back(tmp_path: Path) -> None:
    signing = Signing(tmp_path)
    case = signing.ask(certificate())
    signing.approve(case, "alice", "bob")
    with pytest.raises(OSError, match="the token is gone"):
        signing.sign(certificate(serial=8), failure=OSError("the token is gone"))
    assert signing.sign(certificate(serial=9)) == b"signature"


def test_probes_and_what_is_not_listed_pass(tmp_path: Path) -> None:
    assert Signing(tmp_path).sign(b"random octets", "probe") == b"signature"
    assert Signing(tmp_path, purposes=["certificate"]).sign(crl(), "crl") == b"signature"
    assert Signing(tmp_path, exempt=["CN=Another", "CN=Root"]).sign(certificate()) == b"signature"
    assert not list(tmp_path.iterdir())


def test_dates_that_move_too_far_ask_anew(tmp_path: Path) -> None:
    signing = Signing(tmp_path, keep_days=0)
    case = signing.ask(certificate())
    signing.approve(case, "alice", "bob")
    with pytest.raises(RefusedError, match="has 0 of 2 approvals"):
        signing.sign(certificate(begin=START + DAY, end=START + 91 * DAY))
    assert signing.sign(certificate()) == b"signature"
