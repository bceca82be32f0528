"""Authorities of many kinds, each with a certificate for a server, made as people make them."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from anchorhold import software_keys
from anchorhold.algorithms import key_spec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

HOST: Final = "www.example.com"
_RSA: Final = ("--key-type", "RSA", "--key-size", "2048")
KINDS: Final = {
    "EC P-256": (),
    "EC P-521": ("--elliptic-curve", "P-521"),
    "RSA": _RSA,
    "RSA-PSS": (*_RSA, "--rsa-padding", "pss"),
    "Ed25519": ("--key-type", "Ed25519"),
    "Ed448": ("--key-type", "Ed448"),
    "ML-DSA-65": ("--key-type", "ML-DSA-65"),
    "brainpoolP256r1": ("--elliptic-curve", "brainpoolP256r1"),
    "secp256k1": ("--elliptic-curve", "secp256k1"),
    "EC with SHA3-256": ("--algorithm", "SHA3-256", "--even-so"),
    "RSA-PSS with SHA3-256": (*_RSA, "--rsa-padding", "pss", "--algorithm", "SHA3-256"),
    "RSA with SHA3-256": (*_RSA, "--algorithm", "SHA3-256"),
}
"""Options of `init-ca` for root and issuing CA, by the names of the page."""

_SUBTREES: Final = {
    "DNS": ("DNS:example.com", f"DNS:{HOST}"),
    "IP": ("IP:192.0.2.0/24", "IP:192.0.2.1"),
    "email": ("email:example.com", "email:www@example.com"),
    "dirname": ("dirname:O=Example", ""),
    "URI": ("URI:.example.com", f"URI:https://{HOST}/"),
}
"""Kinds of name constraints: what is permitted, and a name of the certificate."""

_EXCLUDED: Final = {
    "DNS": "DNS:example.org",
    "email": "email:example.org",
    "dirname": "dirname:O=Other",
    "URI": "URI:.example.org",
}
"""Kinds of name constraints: what is excluded, and no name of the certificate."""

CONSTRAINTS: Final = {
    **{kind: ("--permit-name", subtree) for kind, (subtree, _) in _SUBTREES.items()},
    "all five": tuple(word for subtree, _ in _SUBTREES.values() for word in ("--permit-name", subtree)),
    "DNS, all addresses excluded": (
        *("--permit-name", "DNS:example.com"),
        *("--exclude-name", "IP:0.0.0.0/0"),
        *("--exclude-name", "IP:::/0"),
    ),
    **{f"{kind} excluded": ("--exclude-name", subtree) for kind, subtree in _EXCLUDED.items()},
}
"""Options of `init-ca` for the issuing CA, by the names of the page."""


def settings_of(folder: Path) -> dict[str, str]:
    """The variables of commands for an installation in this folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANCHORHOLD_")}
    return {**kept, "ANCHORHOLD_CA_DIR": str(folder / "ca")}


def command(folder: Path, *arguments: str, variables: Mapping[str, str] | None = None) -> bytes:
    """What a command prints, in an installation in this folder."""
    place = {**settings_of(folder), **(variables or {})}
    argv = [sys.executable, "-m", "anchorhold", *arguments]
    done = subprocess.run(argv, cwd=folder, env=place, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert done.returncode == 0, (arguments, done.stderr.decode())
    return done.stdout


def make_chain(
    folder: Path,
    kind: str = "EC P-256",
    constraints: str = "",
    more: Sequence[str] = (),
    hostname: str = "ca.example.com",
) -> Path:
    """Make ``root.pem``, ``issuing.pem``, ``www.pem`` with ``www.key``, and ``chain.pem`` of the latter two.

    Args:
        folder: Where the installation and the files are made.
        kind: Of `KINDS`.
        constraints: Of `CONSTRAINTS`.
        more: Options for the issuing CA.
        hostname: In the URLs of its CRLs and OCSP, perhaps with a port.
    """
    limits = CONSTRAINTS[constraints] if constraints else ()
    options = KINDS[kind]
    command(folder, "init-ca", "Root", "CN=Relying Root", *options, "--path-length", "1", "--out", "root.pem")
    issuing = ("Issuing", "CN=Relying Issuing CA", "--parent", "Root", "--hostname", hostname)
    command(folder, "init-ca", *issuing, *options, *limits, *more, "--out", "issuing.pem")
    issue(folder, "www", *_names(constraints))
    (folder / "chain.pem").write_bytes((folder / "www.pem").read_bytes() + (folder / "issuing.pem").read_bytes())
    return folder


def issue(folder: Path, name: str, *options: str) -> None:
    """Make ``NAME.pem`` for a new EC key in ``NAME.key``."""
    key = software_keys.generate(key_spec("EC"))
    (folder / f"{name}.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    (folder / f"{name}.csr").write_bytes(request.public_bytes(Encoding.PEM))
    command(folder, "sign-cert", "--ca", "Issuing", "--csr", f"{name}.csr", *options, "--out", f"{name}.pem")


def _names(constraints: str) -> list[str]:
    """Options of `sign-cert`: the host, and a name of each kind that is constrained."""
    kinds = list(_SUBTREES) if constraints == "all five" else [constraints.removesuffix(" excluded")]
    names = dict.fromkeys([f"DNS:{HOST}", *filter(None, (_SUBTREES.get(kind, ("", ""))[1] for kind in kinds))])
    alternative = [word for name in names for word in ("--alt", name)]
    return [*alternative, "--subject", f"CN={HOST},O=Example"]
