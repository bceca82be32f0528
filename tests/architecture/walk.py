"""The walk of a CSR through ``sign-cert``: each file of anchorhold that it enters, in order, and that file's job.

``python tests/architecture/walk.py`` makes an installation in a temporary folder, signs a certificate with file keys,
and prints the walk. Counted is what runs once the command's own function is entered: named functions of anchorhold and
of its plugins, without those that Python runs while it imports a module.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_REQUEST = """
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
key = ec.generate_private_key(ec.SECP256R1())
csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
open("request.pem", "wb").write(csr.public_bytes(Encoding.PEM))
"""
_OURS = "anchorhold"


@dataclass
class Walk:
    """What was seen.

    Attributes:
        stays: The files, as often as the walk came back to them.
        functions: The functions that were entered, each once.
    """

    stays: list[str] = field(default_factory=list)
    functions: set[tuple[str, str]] = field(default_factory=set)

    @property
    def files(self) -> list[str]:
        """Each file once, in the order in which they were entered."""
        return list(dict.fromkeys(self.stays))

    def enter(self, file: str, function: str) -> None:
        """Go on in a function."""
        self.functions.add((file, function))
        if not self.stays or self.stays[-1] != file:
            self.stays.append(file)


def walk(arguments: list[str], begin: str) -> Walk:
    """Run a command in this process.

    Args:
        arguments: Of ``anchorhold``.
        begin: Name of the function of the command, with which the walk begins.
    """
    from anchorhold.cli import main

    seen, depth, importing = Walk(), [0], [0]

    def notice(frame: Any, event: str, _: Any) -> None:
        code = frame.f_code
        if "importlib" in code.co_filename:
            importing[0] += {"call": 1, "return": -1}.get(event, 0)
            return
        if code.co_name == begin and event in ("call", "return"):
            depth[0] += 1 if event == "call" else -1
        parts = Path(code.co_filename).parts
        counts = event == "call" and depth[0] and not importing[0] and not code.co_name.startswith("<")
        if counts and any(part.startswith(_OURS) for part in parts[-4:]):
            first = next(number for number, part in enumerate(parts) if part.startswith(_OURS) and number > 2)
            seen.enter("/".join(parts[first:]), code.co_qualname)

    sys.argv = ["anchorhold", *arguments]
    sys.setprofile(notice)
    try:
        main()
    except SystemExit as ended:
        if ended.code:
            raise
    finally:
        sys.setprofile(None)
    return seen


def job_of(file: str) -> str:
    """The first sentence of a module's documentation."""
    package, _, rest = file.partition("/")
    module = __import__(package)
    path = Path(module.__file__ or "").parent / rest
    return (ast.get_docstring(ast.parse(path.read_text())) or "").split("\n")[0]


def sign_cert() -> Walk:
    """The walk of one CSR; the current folder gets an installation."""
    os.environ["ANCHORHOLD_CA_DIR"] = str(Path.cwd() / "ca")
    anchorhold = [sys.executable, "-m", "anchorhold"]
    subprocess.run([*anchorhold, "init-ca", "Iss", "CN=Iss"], check=True, capture_output=True)
    subprocess.run([sys.executable, "-c", _REQUEST], check=True)
    return walk(["sign-cert", "--ca", "Iss", "--csr", "request.pem", "--alt", "example.com"], "sign_cert")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        found = sign_cert()
        os.chdir("/")
    for step, place in enumerate(found.files, 1):
        print(f"{step:3} {place:55} {job_of(place)}")
    print(f"{len(found.functions)} functions, {len(found.files)} files, {len(found.stays)} stays")
