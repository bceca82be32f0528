"""What the tests of pre-signed responses share: a site with certificates, and what its files say of them."""

from __future__ import annotations

import base64
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from anchorhold import Order
from anchorhold.installation import open_installation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cryptography import x509

    from anchorhold.installation import Installation

SHA1 = hashes.SHA1()  # noqa: S303  # most clients name certificates by it
BOTH = (SHA1, hashes.SHA256())
SETTINGS = '[ocsp_responses]\nfolder = "www"\n'


@dataclass
class Site:
    """An authority with a responder, certificates, and a folder for responses that the settings name.

    Attributes:
        installation: With the authority Root.
        folder: For responses.
        csr: A request to sign.
        leaves: Its certificates.
    """

    installation: Installation
    folder: Path
    csr: bytes
    leaves: list[x509.Certificate] = field(default_factory=list)

    @property
    def issuer(self) -> x509.Certificate:
        """Certificate of the authority."""
        return self.installation.authorities.get("Root").certificate

    def sign(self, count: int = 1, expires: str | None = None) -> None:
        """Issue certificates."""
        orders = [Order(csr=self.csr, names=[f"w{number}.example.com"]) for number in range(count)]
        with self.installation.certificates.issuer("Root") as issuer:
            self.leaves += [issued.certificate for issued in issuer.sign_many(orders)]

    def file(self, leaf: x509.Certificate, algorithm: hashes.HashAlgorithm = SHA1) -> Path:
        """Where the response for a certificate belongs, found out from what clients send."""
        return self.folder / (re.sub("//+", "/", letters(leaf, self.issuer, algorithm)).rstrip("=/") + ".ors")

    def says(self, leaf: x509.Certificate) -> str:
        """What the files say of a certificate, both the same; empty if there are none."""
        found = {self._status(self.file(leaf, algorithm), leaf) for algorithm in BOTH}
        assert len(found) == 1, found
        return found.pop()

    def files(self) -> set[str]:
        """All responses, by their paths; folders may come and go meanwhile, which `Path.rglob` does not take."""
        found = (Path(parent, name) for parent, _, names in os.walk(self.folder) for name in names)
        return {str(file.relative_to(self.folder)) for file in found if file.suffix == ".ors"}

    def ages(self) -> dict[str, int]:
        """When each response was written, in nanoseconds."""
        return {path: (self.folder / path).stat().st_mtime_ns for path in self.files()}

    def _status(self, file: Path, leaf: x509.Certificate) -> str:
        if not file.exists():
            return ""
        response = ocsp.load_der_ocsp_response(file.read_bytes())
        assert response.serial_number == leaf.serial_number
        return response.certificate_status.name.lower()


def build_site(tmp_path: Path, csr: bytes, count: int) -> Iterator[Site]:
    """A site, for as long as it is needed; the settings are in its folder."""
    (tmp_path / "config.toml").write_text(SETTINGS)
    with open_installation() as installation:
        installation.authorities.create("Root", "CN=Root")
        installation.responders.renew("Root")
        site = Site(installation, tmp_path / "www", csr)
        site.sign(count)
        yield site


def request(leaf: x509.Certificate, issuer: x509.Certificate, algorithm: hashes.HashAlgorithm = SHA1) -> bytes:
    """What a client asks for a certificate, in DER."""
    return ocsp.OCSPRequestBuilder().add_certificate(leaf, issuer, algorithm).build().public_bytes(Encoding.DER)


def letters(leaf: x509.Certificate, issuer: x509.Certificate, algorithm: hashes.HashAlgorithm = SHA1) -> str:
    """The same in base64."""
    return base64.b64encode(request(leaf, issuer, algorithm)).decode()


def spellings(text: str) -> Mapping[str, str]:
    """How clients write base64 into a path."""
    return {
        "as it is": text,
        "quoted": quote(text, safe=""),  # Java, nginx, Firefox
        "quoted in lower case": quote(text, safe="").replace("%2F", "%2f").replace("%2B", "%2b"),
        "only plus and equals": quote(text, safe="/"),
        "without padding": text.rstrip("="),
        "behind another slash": f"/{text}",
    }
