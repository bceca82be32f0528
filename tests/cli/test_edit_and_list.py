"""``edit-ca``: renaming, disabling, and what an authority puts into what it signs from then on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID

from anchorhold import errors
from cli.cli_steps import certificate, good, left_behind, listed, refused

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Command

pytestmark = pytest.mark.databases(
    "sqlite", "postgresql", because="what is listed, and in which order, is asked of the database"
)

SIGN = ("sign-cert", "--ca=Root", "--csr=example.csr", "--alt=example.com")


@pytest.fixture
def root(anchorhold: Command, csr_file: Path) -> Command:
    """The command line of an installation with the root ``Root`` and URLs of all kinds."""
    assert csr_file.name == "example.csr"
    urls = ("--crl-url=http://a.example/1", "--ocsp-url=http://a.example/2", "--issuer-url=http://a.example/3")
    good(anchorhold("init-ca", "Root", "CN=Root", *urls))
    return anchorhold


def _urls(cert: x509.Certificate) -> dict[str, list[str]]:
    """The URLs in a certificate by kind."""
    found: dict[str, list[str]] = {}
    kinds = {AuthorityInformationAccessOID.OCSP: "ocsp", AuthorityInformationAccessOID.CA_ISSUERS: "issuer"}
    for part in cert.extensions:
        if isinstance(part.value, x509.AuthorityInformationAccess):
            for access in part.value:
                found.setdefault(kinds[access.access_method], []).append(access.access_location.value)
        if isinstance(part.value, x509.CRLDistributionPoints):
            found["crl"] = [name.value for point in part.value for name in point.full_name or ()]
    return found


def test_a_renamed_authority_is_known_by_its_new_name_only(root: Command) -> None:
    good(root("edit-ca", "Root", "--rename=New name"))
    assert [found["name"] for found in listed(root)] == ["New name"]
    refused(root("view-ca", "Root"), errors.UnknownAuthorityError, "'Root'")
    good(root("sign-cert", "--ca=New name", *SIGN[2:]))
    good(root("init-ca", "Root", "CN=Again"))  # the old name is free


@pytest.mark.parametrize("name", ["", " ", " Root", "a\nb"], ids=repr)
def test_a_new_name_obeys_the_rules_of_a_first_one(name: str, root: Command, tmp_path: Path) -> None:
    before = left_behind(tmp_path)
    refused(root("edit-ca", "Root", f"--rename={name}"), errors.InputError, "name")
    assert left_behind(tmp_path) == before


def test_a_profile_that_makes_authorities_is_nobodys_default(root: Command) -> None:
    refused(root("edit-ca", "Root", "--default-profile=root"), errors.ProfileRefusedError, "'root'", "--profile")
    assert listed(root)[0]["default_profile"] is None


@pytest.mark.parametrize("days", ["-1", "9999999", "9" * 30])
def test_a_longest_validity_beyond_all_calendars_is_refused(days: str, root: Command) -> None:
    refused(root("edit-ca", "Root", f"--max-days={days}"), errors.InputError, "maximum validity", "365,250")
    assert listed(root)[0]["max_days"] is None
    good(root("edit-ca", "Root", "--max-days=365250"))
    good(root(*SIGN))


def test_a_disabled_authority_signs_nothing_until_it_is_enabled(root: Command, tmp_path: Path) -> None:
    assert "disabled" in good(root("edit-ca", "Root", "--disable")).talk
    assert listed(root)[0]["status"] == "disabled"
    before = left_behind(tmp_path)
    refused(root(*SIGN), errors.AuthorityNotReadyError, "'Root'", "disabled", "edit-ca Root --enable")
    refused(root("init-ca", "Child", "CN=Child", "--parent=Root"), errors.AuthorityNotReadyError, "'Root'")
    assert left_behind(tmp_path) == before
    good(root("edit-ca", "Root", "--enable"))
    good(root(*SIGN))


def test_the_command_in_the_hint_for_a_disabled_authority_can_be_copied(anchorhold: Command, csr_file: Path) -> None:
    good(anchorhold("init-ca", "Two words", "CN=Two"))
    good(anchorhold("edit-ca", "Two words", "--disable"))
    outcome = anchorhold("sign-cert", "--ca=Two words", f"--csr={csr_file}", "--alt=a.example")
    refused(outcome, errors.AuthorityNotReadyError, "edit-ca 'Two words' --enable")


def test_urls_given_to_edit_replace_those_of_their_kind_alone(root: Command) -> None:
    old = {"crl": ["http://a.example/1"], "ocsp": ["http://a.example/2"], "issuer": ["http://a.example/3"]}
    assert _urls(certificate(root(*SIGN))) == old
    good(root("edit-ca", "Root", "--crl-url=http://b.example/1", "--crl-url=http://b.example/2"))
    assert _urls(certificate(root(*SIGN))) == {**old, "crl": ["http://b.example/1", "http://b.example/2"]}


def test_an_empty_url_removes_those_of_its_kind(root: Command) -> None:
    good(root("edit-ca", "Root", "--ocsp-url=", "--issuer-url="))
    assert _urls(certificate(root(*SIGN))) == {"crl": ["http://a.example/1"]}
    assert listed(root)[0]["ocsp_urls"] == []


def test_the_hash_can_be_changed_and_must_fit_the_key(root: Command, tmp_path: Path) -> None:
    good(root("edit-ca", "Root", "--algorithm=SHA-384"))
    digest = certificate(root(*SIGN)).signature_hash_algorithm
    assert digest is not None
    assert digest.name == "sha384"
    before = left_behind(tmp_path)
    refused(root("edit-ca", "Root", "--algorithm=MD5"), errors.KeyUnsupportedError, "MD5")
    assert left_behind(tmp_path) == before


def test_what_ocsp_says_of_unknown_serial_numbers_can_be_chosen(root: Command) -> None:
    assert listed(root)[0]["ocsp_unknown"] == "unknown"
    good(root("edit-ca", "Root", "--ocsp-unknown=unauthorized"))
    assert listed(root)[0]["ocsp_unknown"] == "unauthorized"
    refused(root("edit-ca", "Root", "--ocsp-unknown=good"), errors.InputError, "'good'")
    assert listed(root)[0]["ocsp_unknown"] == "unauthorized"


def test_editing_changes_only_what_was_given(root: Command) -> None:
    before = listed(root)[0]
    good(root("edit-ca", "Root", "--disable"))
    assert {**listed(root)[0], "status": "active"} == before
