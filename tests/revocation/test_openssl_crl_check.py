"""``openssl verify -crl_check_all`` with full and with partial lists: what is good passes, what is revoked does not."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from anchorhold import IssuancePolicy, errors
from conformance.chains import KEYS
from programs import program
from revocation.crl_steps import leaf, made_by, serial_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from anchorhold import Authority
    from anchorhold.installation import Installation
    from conftest import MakeCsr

GOOD = (0, "cert.pem: OK")


def _shards(name: str, count: int = 3) -> IssuancePolicy:
    return IssuancePolicy(crl_urls=(f"http://crl.example.com/{name}/{{shard}}.crl",), crl_shards=count)


@dataclass(frozen=True)
class Chain:
    """A root, an authority below it, and a certificate."""

    installation: Installation
    root: Authority
    issuing: Authority
    cert: x509.Certificate
    folder: Path

    def lists(self, kind: str) -> list[x509.CertificateRevocationList]:
        """New lists of both authorities: the full ones; or all the partial ones, and the full one of the root.

        openssl looks for the root itself too, whose certificate names no list and so is on none but the full one.
        """
        (root, *roots), (issuing, *issuings) = (made_by(self.installation, each) for each in (self.root, self.issuing))
        return [root, issuing] if kind == "full" else [root, *roots, *issuings]

    def verdict(self, lists: Iterable[x509.CertificateRevocationList], *more: str) -> tuple[int, str]:
        """Exit code of openssl, and what it said at the end."""
        above = {"root": self.root.certificate, "issuing": self.issuing.certificate, "cert": self.cert}
        for name, cert in above.items():
            (self.folder / f"{name}.pem").write_bytes(cert.public_bytes(Encoding.PEM))
        (self.folder / "lists.pem").write_bytes(b"".join(crl.public_bytes(Encoding.PEM) for crl in lists))
        command = [program("openssl"), "verify", "-x509_strict", "-crl_check_all", *more, "-CAfile", "root.pem"]
        files = ["-untrusted", "issuing.pem", "-CRLfile", "lists.pem", "cert.pem"]
        result = subprocess.run([*command, *files], cwd=self.folder, capture_output=True, text=True, check=False)
        return result.returncode, (result.stdout + result.stderr).strip()


def _chain(installation: Installation, csr: bytes, folder: Path, kind: str = "P-256") -> Chain:
    key = KEYS[kind]
    root = installation.authorities.create("Root", "CN=Root", key=key, path_length=1, issuing=_shards("root"))
    issuing = installation.authorities.create("Issuing", "CN=Issuing", parent=root, key=key, issuing=_shards("issuing"))
    return Chain(installation, root, issuing, leaf(installation, issuing, csr), folder)


@pytest.fixture
def chain(installation: Installation, make_csr: MakeCsr, tmp_path: Path) -> Chain:
    return _chain(installation, make_csr(), tmp_path)


@pytest.mark.parametrize("more", [(), ("-extended_crl",)], ids=["", "extended"])
@pytest.mark.parametrize("kind", ["full", "partial"])
def test_openssl_accepts_what_is_good_and_refuses_what_is_revoked(
    kind: str, more: tuple[str, ...], chain: Chain, make_csr: MakeCsr
) -> None:
    other = leaf(chain.installation, chain.issuing, make_csr())
    chain.installation.revocations.revoke(serial_of(other))  # so that some list is not empty
    assert chain.verdict(chain.lists(kind), *more) == GOOD
    chain.installation.revocations.revoke(serial_of(chain.cert), "keyCompromise")
    code, said = chain.verdict(chain.lists(kind), *more)
    assert code == 2
    assert "error 23 at 0 depth lookup: certificate revoked" in said


@pytest.mark.parametrize("kind", ["full", "partial"])
def test_openssl_refuses_what_a_revoked_intermediate_has_signed(kind: str, chain: Chain) -> None:
    chain.installation.revocations.revoke(serial_of(chain.issuing.certificate), "cACompromise")
    code, said = chain.verdict(chain.lists(kind))
    assert code == 2
    assert "error 23 at 1 depth lookup: certificate revoked" in said


@pytest.mark.parametrize("kind", ["full", "partial"])
def test_openssl_accepts_what_was_released(kind: str, chain: Chain) -> None:
    chain.installation.revocations.revoke(serial_of(chain.cert), "certificateHold")
    assert chain.verdict(chain.lists(kind))[0] == 2
    chain.installation.revocations.release(serial_of(chain.cert))
    assert chain.verdict(chain.lists(kind)) == GOOD


def _names(crl: x509.CertificateRevocationList) -> object:
    """Those of its issuing distribution point; None if it has none."""
    found = [part.value for part in crl.extensions if isinstance(part.value, x509.IssuingDistributionPoint)]
    return found[0].full_name if found else None


def test_openssl_wants_the_very_list_that_the_certificate_names(chain: Chain) -> None:
    """A partial list of other certificates must not pass for one that says this one is good (section 6.3.3)."""
    (point,) = chain.cert.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    lists = chain.lists("partial")
    others = [crl for crl in lists if _names(crl) != point.full_name]
    assert len(others) == len(lists) - 1
    code, said = chain.verdict(others)
    assert code == 2
    assert "at 0 depth lookup: different CRL scope" in said


@pytest.mark.parametrize("kind", ["RSA", "P-521", "Ed25519", "Ed448"])
def test_openssl_verifies_lists_of_each_kind_of_key(
    kind: str, installation: Installation, make_csr: MakeCsr, tmp_path: Path
) -> None:
    chain = _chain(installation, make_csr(), tmp_path, kind)
    for lists in ("full", "partial"):
        assert chain.verdict(chain.lists(lists)) == GOOD
    installation.revocations.revoke(serial_of(chain.cert))
    for lists in ("full", "partial"):
        assert chain.verdict(chain.lists(lists))[0] == 2


def test_a_certificate_made_before_the_urls_changed_still_finds_its_partial_list(chain: Chain) -> None:
    """Its distribution point stays as it is: one of its names must be in the list (section 6.3.3, b 2 i)."""
    try:
        chain.installation.authorities.edit("Issuing", issuing=_shards("moved"))
    except errors.InputError:
        return  # refusing it is as good
    edited = Chain(
        chain.installation, chain.root, chain.installation.authorities.get("Issuing"), chain.cert, chain.folder
    )
    assert edited.verdict(edited.lists("partial")) == GOOD


def test_the_number_of_partial_lists_cannot_change(chain: Chain) -> None:
    for count in (2, 4):
        with pytest.raises(errors.InputError, match="cannot change"):
            chain.installation.authorities.edit("Issuing", issuing=_shards("issuing", count))
