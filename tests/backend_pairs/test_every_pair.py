"""A key in one place works with keys in any other: chains, responders, and moves."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from anchorhold import KeySpec, errors
from anchorhold.x509.to_be_signed import signer_private_key
from backend_pairs.places import PAIRS, PLACES
from cli.cli_steps import good, refused
from hsm.softhsm import Bench
from programs import openssl

if TYPE_CHECKING:
    from pathlib import Path

    from anchorhold import Installation
    from conftest import Command
    from hsm.softhsm import SoftHsm

pytestmark = pytest.mark.usefixtures("places")


@pytest.mark.parametrize(("above", "below"), PAIRS)
def test_an_authority_in_one_place_is_the_parent_of_one_in_another(
    anchorhold: Command, csr_file: Path, above: str, below: str
) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root", f"--key-backend={above}", "--out=root.pem"))
    good(anchorhold("init-ca", "Sub", "CN=Sub", "--parent=Root", f"--key-backend={below}", "--out=sub.pem"))
    good(anchorhold("sign-cert", "--ca=Sub", f"--csr={csr_file}", "--alt=a.example", "--out=leaf.pem"))
    openssl("verify", "-x509_strict", "-CAfile", "root.pem", "-untrusted", "sub.pem", "leaf.pem")
    shown = json.loads(good(anchorhold("view-ca", "Sub", "-f", "json")).data)
    assert (shown["key_backend"], shown["key_state"]) == (below, "usable")
    keys = json.loads(good(anchorhold("backends", "-f", "json")).data)["keys"]
    assert [(key["alias"], key["key_state"]) for key in keys] == [(above, "usable"), (below, "usable")]


@pytest.mark.parametrize(("own", "responder"), PAIRS)
def test_the_keys_of_responders_need_not_be_where_that_of_the_authority_is(
    anchorhold: Command, installation: Installation, tmp_path: Path, own: str, responder: str
) -> None:
    where = (f"--key-backend={own}", f"--ocsp-key-backend={responder}")
    good(anchorhold("init-ca", "Root", "CN=Root", *where, "--out=root.pem"))
    good(anchorhold("regenerate-ocsp-keys"))
    record = installation.ledger.responders.active(installation.authorities.get("Root").record.id)
    assert record is not None
    assert record.key_backend == responder
    (tmp_path / "responder.der").write_bytes(record.certificate or b"")
    openssl("x509", "-inform", "der", "-in", "responder.der", "-out", "responder.pem")
    openssl("verify", "-x509_strict", "-purpose", "ocsphelper", "-CAfile", "root.pem", "responder.pem")


def test_two_tokens_and_a_database_at_once_in_one_chain(anchorhold: Command, csr_file: Path, places: SoftHsm) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root", "--key-backend=token", "--path-length=2", "--out=root.pem"))
    below = ("--parent=Root", "--path-length=1", "--out=middle.pem")
    good(anchorhold("init-ca", "Middle", "CN=Middle", "--key-backend=rows", *below))
    good(anchorhold("init-ca", "Issuing", "CN=Issuing", "--key-backend=other", "--parent=Middle", "--out=issuing.pem"))
    sign = ("sign-cert", "--ca=Issuing", f"--csr={csr_file}", "--alt=a.example", "--bundle", "--out=chain.pem")
    good(anchorhold(*sign))
    openssl("verify", "-x509_strict", "-CAfile", "root.pem", "-untrusted", "chain.pem", "chain.pem")
    assert (len(places.private_labels("one")), len(places.private_labels("two"))) == (1, 1)


@pytest.mark.parametrize(("old", "new"), [(old, new) for old, new in PAIRS if old != new and old != "token"])
def test_a_key_is_moved_and_destroyed_where_it_was(
    anchorhold: Command, csr_file: Path, places: SoftHsm, old: str, new: str
) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root", f"--key-backend={old}", "--out=root.pem"))
    good(anchorhold("move-key", "Root", f"--to={new}", "--delete-source"))
    good(anchorhold("sign-cert", "--ca=Root", f"--csr={csr_file}", "--alt=a.example", "--out=leaf.pem"))
    openssl("verify", "-x509_strict", "-CAfile", "root.pem", "leaf.pem")
    assert len(places.private_labels()) == (1 if new == "token" else 0)
    assert "Nothing was interrupted" in good(anchorhold("recover")).talk


@pytest.mark.parametrize("new", [place for place in PLACES if place != "token"])
def test_a_key_in_a_token_never_leaves_and_the_alternative_is_said(anchorhold: Command, new: str) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root", "--key-backend=token"))
    moved = anchorhold("move-key", "Root", f"--to={new}")
    refused(moved, errors.OperationUnsupportedError, "export_key", "create a new authority")


def test_a_key_in_a_token_is_adopted_for_a_new_authority(anchorhold: Command, csr_file: Path, places: SoftHsm) -> None:
    places.tool("--keypairgen", "--key-type", "EC:secp384r1", "--label", "old-key", "--id", "0a0b")
    adopt = ("--key-backend=token", "--adopt", "--token-key-label=old-key", "--out=root.pem")
    good(anchorhold("init-ca", "Root", "CN=Root", *adopt))
    good(anchorhold("sign-cert", "--ca=Root", f"--csr={csr_file}", "--alt=a.example", "--out=leaf.pem"))
    openssl("verify", "-x509_strict", "-CAfile", "root.pem", "leaf.pem")
    assert places.private_labels() == ["old-key"]


def foreign_root(softhsm: SoftHsm, label: str) -> x509.Certificate:
    """The certificate of a root whose key is in the token, made by another program."""
    bench = Bench({"library_path": softhsm.library, "token": "one"})
    (found,) = bench.find(key_label=label)
    signer, algorithm = bench.signer(found), KeySpec(curve="secp256r1").algorithm()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Foreign")])
    moment = dt.datetime.now(dt.UTC).replace(microsecond=0)
    builder = x509.CertificateBuilder(name, name, found.public_key, 77, moment, moment + dt.timedelta(days=9))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    key = signer_private_key(found.public_key, lambda message: signer.sign(message, algorithm))
    return builder.sign(key, hashes.SHA256())


ADOPTIONS = ("--token-key-id=0a0b", "--token-key-label=old-key", "--token-key-uri=pkcs11:id=%0a%0b")


@pytest.mark.parametrize("option", ADOPTIONS)
def test_an_authority_is_adopted_with_its_certificate_alone(
    anchorhold: Command, csr_file: Path, places: SoftHsm, tmp_path: Path, option: str
) -> None:
    for label, key_id in (("old-key", "0a0b"), ("another", "0c0d")):
        places.tool("--keypairgen", "--key-type", "EC:secp256r1", "--label", label, "--id", key_id)
    (tmp_path / "root.pem").write_bytes(foreign_root(places, "old-key").public_bytes(Encoding.PEM))
    adopt = ("import-ca", "Root", "root.pem", "--adopt", "--key-backend=token")
    refused(anchorhold(*adopt, "--token-key-label=another"), errors.KeyMismatchError, "does not belong")
    refused(anchorhold(*adopt, "--token-key-label=none"), errors.KeyMissingError, "no such key")
    good(anchorhold(*adopt, option))
    good(anchorhold("sign-cert", "--ca=Root", f"--csr={csr_file}", "--alt=a.example", "--out=leaf.pem"))
    openssl("verify", "-CAfile", "root.pem", "leaf.pem")


def test_an_adopted_key_is_left_alone_when_the_authority_is_given_up(anchorhold: Command, places: SoftHsm) -> None:
    places.tool("--keypairgen", "--key-type", "EC:secp256r1", "--label", "old-key", "--id", "0a0b")
    adopt = ("--key-backend=token", "--adopt", "--token-key-label=old-key", "--csr-out=sub.csr")
    good(anchorhold("init-ca", "Sub", "CN=Sub", *adopt))
    assert "was adopted, and stays where it is" in good(anchorhold("recover", "--abandon=Sub")).talk
    assert places.private_labels() == ["old-key"]


def test_what_the_view_says_of_a_key_that_is_gone(anchorhold: Command, places: SoftHsm) -> None:
    good(anchorhold("init-ca", "Root", "CN=Root", "--key-backend=token", "--token-key-label=mine"))
    places.tool("--delete-object", "--type", "privkey", "--label", "mine")
    shown = json.loads(good(anchorhold("view-ca", "Root", "-f", "json")).data)
    assert shown["key_state"] == "unusable"
    assert "not in the token" in shown["key_problem"]
