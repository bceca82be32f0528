"""Chains that the conformance tests share: authorities of each kind of key, requests made by openssl, verdicts."""

from __future__ import annotations

import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.serialization import Encoding

from anchorhold import IssuancePolicy, KeySpec, key_spec, open_installation
from programs import openssl, program

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cryptography import x509

    from anchorhold import Authority, Installation, Order

KEYS: Final[dict[str, KeySpec]] = {
    "RSA": key_spec("RSA", size=2048),
    "P-256": key_spec("EC", curve="P-256"),
    "P-384": key_spec("EC", curve="P-384"),
    "P-521": key_spec("EC", curve="P-521"),
    "brainpoolP256r1": key_spec("EC", curve="brainpoolP256r1"),
    "Ed25519": key_spec("Ed25519"),
    "Ed448": key_spec("Ed448"),
}
"""The kinds of keys that the tests go through."""

NEW_KEY: Final[dict[str, tuple[str, ...]]] = {
    "RSA": ("-newkey", "rsa:2048"),
    "P-256": ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
    "P-384": ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"),
    "P-521": ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-521"),
    "brainpoolP256r1": ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:brainpoolP256r1"),
    "Ed25519": ("-newkey", "ed25519"),
    "Ed448": ("-newkey", "ed448"),
}
"""The options of ``openssl req`` for each of them."""

URLS: Final = IssuancePolicy(
    crl_urls=("http://crl.example.com/issuing.crl",),
    ocsp_urls=("http://ocsp.example.com/",),
    issuer_urls=("http://ca.example.com/issuing.der",),
)
"""CRL distribution point and authority information access, set on every authority here."""


def request(kind: str, *more: str, subject: str = "/CN=asked for") -> bytes:
    """A request made by ``openssl req`` for a new key of that kind, PEM."""
    with tempfile.TemporaryDirectory() as folder:
        key = Path(folder) / "key.pem"
        return openssl("req", "-new", *NEW_KEY[kind], "-nodes", "-keyout", key, "-subj", subject, *more).encode()


@contextmanager
def installation_in(folder: Path, settings: str = "") -> Iterator[Installation]:
    """An installation that lives longer than one test, in a folder of its own; `settings` are lines of TOML."""
    config = folder / "config.toml"
    config.write_text(f"ca_dir = {str(folder / 'ca')!r}\n{settings}")
    with open_installation(config, environment={}) as installation:
        yield installation


class Chains:
    """Roots, each with an issuing authority below it, made when they are first asked for."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self._requests: dict[str, bytes] = {}

    def authority(self, kind: str, below: Authority | None = None) -> Authority:
        """The authority with that kind of key below another, or the root."""
        name = f"{kind} below {below.name}" if below is not None else f"{kind} root"
        known = {authority.name: authority for authority in self.installation.authorities.list()}
        return known.get(name) or self.installation.authorities.create(
            name, f"CN={name},O=Example,C=AT", parent=below, key=KEYS[kind], path_length="none", issuing=URLS
        )

    def issuing(self, root: str, issuing: str | None = None) -> Authority:
        """An issuing authority below a root; without a second kind both have the same."""
        return self.authority(issuing or root, below=self.authority(root))

    def request(self, kind: str) -> bytes:
        """One request for each kind of key, made by openssl."""
        if kind not in self._requests:
            self._requests[kind] = request(kind)
        return self._requests[kind]

    def sign(self, authority: Authority, order: Order) -> x509.Certificate:
        """The certificate for an order."""
        with self.installation.certificates.issuer(authority) as issuer:
            return issuer.sign(order).certificate

    def above(self, authority: Authority) -> list[x509.Certificate]:
        """The certificates from this authority up to its root."""
        return [link.certificate for link in self.installation.authorities.chain(authority)]


def openssl_verdict(
    folder: Path, leaf: x509.Certificate, above: Sequence[x509.Certificate], *arguments: str
) -> tuple[int, str]:
    """Exit code and words of ``openssl verify -x509_strict``.

    Args:
        folder: Where to put the files.
        leaf: What is verified.
        above: Its issuers; the last one is the root.
        arguments: More of them for openssl.
    """
    for name, certificates in (("root", above[-1:]), ("issuing", above[:-1]), ("cert", [leaf])):
        content = b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates)
        (folder / f"{name}.pem").write_bytes(content)
    untrusted = ["-untrusted", "issuing.pem"] if above[:-1] else []
    command = [program("openssl"), "verify", "-x509_strict", *arguments, "-CAfile", "root.pem", *untrusted, "cert.pem"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return result.returncode, result.stdout + result.stderr


ACCEPTED: Final = (0, "cert.pem: OK\n")
"""What openssl says to a chain that holds."""
