"""``profiles``: what is listed, and that what is shown of a profile is what its certificates contain."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from anchorhold import errors, key_spec
from anchorhold.profiles import BUILT_IN
from cli.cli_steps import good, refused, settings_file

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Command, MakeCsr

pytestmark = pytest.mark.databases("sqlite", because="no profile is already in the ledger")

JSON: Final = ("--output-format", "json")
WEBSITE: Final = """
default_profile = "website"

[profiles.website]
description = "Our own sites."
subject = "O=Example,C=AT"
extended_key_usage = ["serverAuth"]
names_required = true
name_kinds = ["DNS", "IP"]
days = 60
max_days = 80
backdate_minutes = 60
tls_features = ["status_request"]
policies = ["1.3.6.1.4.1.99999.1.7"]
copy = { subject = ["CN"], alt = ["DNS:example.com", "URI"], extensions = ["tlsfeature"] }

[[profiles.website.extensions]]
oid = "1.3.6.1.4.1.99999.2.1"
text = "tier-1"

[profiles.client]
key_usage = ["digitalSignature"]
extended_key_usage = ["clientAuth"]
copy = { subject = true }
"""
OF_THE_ORDER: Final = {"subjectAltName", "subjectKeyIdentifier", "authorityKeyIdentifier"}
NAMES: Final = {"email": "email:me@example.com"}
"""What profiles that take only some kinds of names are given."""


@pytest.fixture
def website(tmp_path: Path) -> tuple[str, str]:
    """Options that name settings with the profile ``website``, and one that takes the place of ``client``."""
    return "--config", str(settings_file(tmp_path, WEBSITE))


def _shown(anchorhold: Command, name: str, *options: str) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(good(anchorhold(*options, "profiles", name, *JSON)).data)
    return shown


def _signed(anchorhold: Command, name: str, *options: str) -> dict[str, Any]:
    """The certificate of a profile, by the authority ``Root``."""
    names = ("--alt", NAMES.get(name, "example.com"))
    order = ("--csr=rsa.csr", "--subject=CN=Example", "--profile", name, *names)
    signed: dict[str, Any] = json.loads(good(anchorhold(*options, "sign-cert", "--ca=Root", *order, *JSON)).data)
    extensions: dict[str, Any] = signed["certificate"]["extensions"]
    return extensions


def test_without_settings_the_built_in_profiles_are_listed(anchorhold: Command) -> None:
    outcome = good(anchorhold("profiles"))
    head, *rows = outcome.text.splitlines()
    assert head.split() == ["NAME", "ORIGIN", "DESCRIPTION"]
    assert [row.split()[:2] for row in rows] == [[name, "built-in"] for name in BUILT_IN]
    assert "The default is webserver" in outcome.talk


def test_the_list_fits_a_terminal(anchorhold: Command) -> None:
    assert max(map(len, good(anchorhold("profiles")).text.splitlines())) <= 80


def test_profiles_of_the_settings_are_listed_as_such_also_in_place_of_built_in_ones(
    anchorhold: Command, website: tuple[str, str]
) -> None:
    listed = json.loads(good(anchorhold(*website, "profiles", *JSON)).data)
    assert [row["name"] for row in listed] == [*BUILT_IN, "website"]
    assert {row["name"] for row in listed if row["origin"] == "settings"} == {"client", "website"}
    assert [row["name"] for row in listed if row["default"]] == ["website"]
    (row,) = (row for row in listed if row["name"] == "website")
    assert (row["description"], row["days"], row["ca"]) == ("Our own sites.", 60, False)


@pytest.mark.parametrize("name", [name for name, profile in BUILT_IN.items() if name not in ("intermediate", "root")])
def test_what_is_shown_of_a_built_in_profile_is_in_its_certificates(
    anchorhold: Command, tmp_path: Path, make_csr: MakeCsr, name: str
) -> None:
    (tmp_path / "rsa.csr").write_bytes(make_csr(key_spec("RSA")))
    good(anchorhold("init-ca", "Root", "CN=Root", "--path-length=0"))
    signed = _signed(anchorhold, name)
    shown = _shown(anchorhold, name)
    usage = {"keyAgreement"} if name == "email" else set()  # which RSA keys cannot do
    shown["extensions"]["keyUsage"]["value"] = [
        bit for bit in shown["extensions"]["keyUsage"]["value"] if bit not in usage
    ]
    assert {key: value for key, value in signed.items() if key not in OF_THE_ORDER} == shown["extensions"]


@pytest.mark.parametrize("name", ["intermediate", "root"])
def test_what_is_shown_of_a_profile_of_authorities_is_in_theirs(anchorhold: Command, name: str) -> None:
    made = json.loads(good(anchorhold("init-ca", "Root", "CN=Root", "--profile", name, *JSON)).data)
    extensions = {k: v for k, v in made["certificate"]["extensions"].items() if k not in OF_THE_ORDER}
    shown = _shown(anchorhold, name)
    assert shown["ca"]
    assert extensions == shown["extensions"]


def test_what_is_shown_of_a_configured_profile_is_in_its_certificates(
    anchorhold: Command, tmp_path: Path, make_csr: MakeCsr, website: tuple[str, str]
) -> None:
    (tmp_path / "rsa.csr").write_bytes(make_csr(key_spec("RSA")))
    urls = ("--crl-url=http://a.example/1", "--ocsp-url=http://a.example/2", "--issuer-alt=URI:http://a.example")
    good(anchorhold(*website, "init-ca", "Root", "CN=Root", *urls))
    signed = _signed(anchorhold, "website", *website)
    shown = _shown(anchorhold, "website", *website)
    of_authority = set(shown["extensions_of_authority"])
    assert of_authority == {"issuerAltName", "authorityInfoAccess", "cRLDistributionPoints"}
    assert of_authority <= set(signed)
    own = {key: value for key, value in signed.items() if key not in OF_THE_ORDER | of_authority}
    assert own == shown["extensions"]
    assert shown["subject"] == "O=Example,C=AT"
    assert (shown["days"], shown["max_days"], shown["backdate_minutes"]) == (60, 80, 60)
    assert (shown["names_required"], shown["name_kinds"]) == (True, ["DNS", "IP"])
    copied = {"subject": ["CN"], "alt": ["DNS:example.com", "URI"], "extended_key_usage": []}
    assert shown["copy"] == {**copied, "extensions": ["tlsfeature"]}


def test_an_extension_of_the_authority_is_not_promised_where_the_profile_has_none(anchorhold: Command) -> None:
    assert "cRLDistributionPoints" not in _shown(anchorhold, "ocsp")["extensions_of_authority"]
    assert "cRLDistributionPoints" in _shown(anchorhold, "webserver")["extensions_of_authority"]


def test_people_are_told_the_same_in_lines(anchorhold: Command, website: tuple[str, str]) -> None:
    lines = good(anchorhold(*website, "profiles", "website")).text.splitlines()
    for line in (
        "Profile:     website (the default)",
        "From:        the settings",
        "Validity:    60 days, 80 at most, beginning 60 minutes before the signature",
        "Subject:     as ordered, else O=Example,C=AT,CN=<first DNS name or mailbox>",
        "Names:       at least one, of the kinds DNS, IP",
        "From CSRs:   subject (CN); names (DNS:example.com, URI); extensions (tlsfeature)",
        "From the CA: issuerAltName, authorityInfoAccess, cRLDistributionPoints",
        "  keyUsage (critical): digitalSignature, keyEncipherment",
        "  extendedKeyUsage: serverAuth",
        "  tlsfeature: status_request",
    ):
        assert line in lines
    assert "From CSRs:   subject (all of it)" in good(anchorhold(*website, "profiles", "client")).text


def test_a_name_that_is_not_known_is_refused_with_the_nearest_one(anchorhold: Command) -> None:
    refused(anchorhold("profiles", "webservr"), errors.UnknownProfileError, "did you mean 'webserver'?")
