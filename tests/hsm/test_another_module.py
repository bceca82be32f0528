"""Nothing depends on SoftHSM: the same on the softoken of NSS.

It is initialised with a string, has points in other forms, makes keys that may leave unless told, and silently
overwrites a private key that has the same CKA_ID. A process initialises it once, so all tests share a database.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from anchorhold import errors, software_keys
from anchorhold.algorithms import Algorithm, KeySpec, key_spec
from anchorhold.pkcs8 import dump_pkcs8
from anchorhold.plugin import ImportKeyRequest
from anchorhold.public_keys import is_signed_by, spki
from anchorhold_hsm.module_registry import close_modules
from cli.cli_steps import good
from hsm.softhsm import CA, USER_PIN, Bench, configure
from programs import openssl, program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorhold.plugin import CreatedKey
    from conftest import Command

PACKAGE = "libnss3-tools"
LABEL = "NSS Certificate DB"
SPECS = (
    KeySpec(type="RSA", size=2048),
    *(KeySpec(type="EC", curve=curve) for curve in ("secp256r1", "secp384r1", "secp521r1")),
)
RSA_WAYS = [
    Algorithm(scheme=scheme, hash=name)
    for scheme in ("rsa-pkcs1v15", "rsa-pss")
    for name in ("SHA-256", "SHA-512", "SHA3-256")
]
FORKING = """
import json, os, sys
from anchorhold.algorithms import key_spec
from anchorhold.public_keys import is_signed_by
from hsm.softhsm import Bench

bench = Bench(json.loads(sys.argv[1]))
created = bench.create(key_spec("EC"), "mine")
signer, algorithm = bench.signer(created), key_spec("EC").algorithm()

def works():
    return is_signed_by(created.public_key, signer.sign(b"message", algorithm), b"message", algorithm)

assert works()
child = os.fork()
if child == 0:
    os._exit(0 if works() else 1)
assert os.waitpid(child, 0)[1] == 0
assert works()
"""


def _library() -> str:
    program("certutil", PACKAGE)
    found = [path for folder in ("usr/lib/*", "usr/lib/*/nss", "usr/lib64") for path in _in(folder)]
    assert found, f"this test needs libsoftokn3.so: as root on Debian, apt-get install {PACKAGE}"
    return str(found[0])


def _in(folder: str) -> list[Path]:
    return sorted(Path("/").glob(f"{folder}/libsoftokn3.so"))


@dataclass(frozen=True)
class Nss:
    """A database of NSS.

    Attributes:
        folder: Where it is.
        library: The module.
    """

    folder: Path
    library: str

    @property
    def options(self) -> dict[str, Any]:
        """Of an alias that uses it."""
        parameters = f"configdir='sql:{self.folder}' certPrefix='' keyPrefix='' secmod='secmod.db' flags="
        return {"library_path": self.library, "library_parameters": parameters, "token": LABEL}


@pytest.fixture(scope="session")
def shared_nss(tmp_path_factory: pytest.TempPathFactory) -> Nss:
    """A new database with a PIN."""
    folder = tmp_path_factory.mktemp("nss")
    (folder / "pin").write_text(f"{USER_PIN}\n")
    database = ("-d", f"sql:{folder}", "-f", str(folder / "pin"))
    subprocess.run([program("certutil", PACKAGE), "-N", *database], check=True, timeout=30)
    return Nss(folder, _library())


@pytest.fixture
def nss(shared_nss: Nss) -> Iterator[Nss]:
    """The database, in a module that nobody uses yet."""
    close_modules()
    yield shared_nss
    close_modules()


@pytest.fixture
def label() -> str:
    """Of a key that is not there yet."""
    return f"key {os.urandom(8).hex()}"


@pytest.fixture
def bench(nss: Nss) -> Bench:
    """The backend on it."""
    return Bench(nss.options)


def works(bench: Bench, created: CreatedKey, algorithm: Algorithm) -> bool:
    """The key signs so."""
    message = os.urandom(50)
    signature = bench.signer(created).sign(message, algorithm)
    return is_signed_by(created.public_key, signature, message, algorithm)


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_a_key_of_each_offered_kind_is_made_found_and_destroyed(bench: Bench, spec: KeySpec, label: str) -> None:
    created = bench.create(spec, label)
    assert works(bench, created, spec.algorithm())
    (found,) = bench.find(key_label=label)
    assert spki(found.public_key) == spki(created.public_key)
    with pytest.raises(errors.KeyExistsError, match=label):
        bench.create(spec, label)
    assert bench.delete(created)
    assert bench.find(key_label=label) == ()


@pytest.mark.parametrize("algorithm", RSA_WAYS, ids=str)
def test_each_hash_and_padding(bench: Bench, algorithm: Algorithm, label: str) -> None:
    assert works(bench, bench.create(SPECS[0], label), algorithm)


@pytest.mark.parametrize("kind", ["Ed25519", "Ed448", "ML-DSA-65"])
def test_what_it_does_not_make_is_refused_with_what_it_makes(bench: Bench, kind: str) -> None:
    with pytest.raises(errors.KeyUnsupportedError, match=r"does not make .* keys") as refused:
        bench.create(key_spec(kind))
    assert "RSA 2048 to" in str(refused.value)
    assert "EC secp256r1" in str(refused.value)


def test_a_key_is_not_overwritten_by_another_with_its_id(bench: Bench, label: str) -> None:
    key_id = os.urandom(20)
    first = bench.create(key_spec("EC"), label, key_id)
    with pytest.raises(errors.AnchorholdError):
        bench.create(key_spec("EC"), f"{label} again", key_id)
    assert works(bench, first, key_spec("EC").algorithm())


def test_a_key_from_elsewhere_is_brought(bench: Bench, label: str) -> None:
    private = software_keys.generate(key_spec("EC"))
    request = ImportKeyRequest(key_id=os.urandom(20), pkcs8=dump_pkcs8(private), ca=CA, options={"key-label": label})
    imported = bench.backend.import_key(request, bench.secrets)
    assert spki(imported.public_key) == spki(private.public_key())
    assert works(bench, imported, key_spec("EC").algorithm())


def test_a_wrong_pin_is_one_clear_line(nss: Nss) -> None:
    with pytest.raises(errors.SecretWrongError, match=f"token {LABEL!r}: the PIN of the user is wrong"):
        Bench(nss.options, given={"user-pin": "not-this-one"}).create(key_spec("EC"))


def test_eight_threads_sign_at_once(bench: Bench, label: str) -> None:
    created = bench.create(key_spec("EC"), label)
    signer, algorithm = bench.signer(created), key_spec("EC").algorithm()

    def sign(thread: int) -> list[bool]:
        messages = [b"%d %d" % (thread, number) for number in range(100)]
        return [is_signed_by(created.public_key, signer.sign(each, algorithm), each, algorithm) for each in messages]

    with ThreadPoolExecutor(8) as threads:
        assert all(all(each) for each in threads.map(sign, range(8)))


def test_a_forked_child_signs_and_so_does_the_parent_after_it(nss: Nss) -> None:
    argv = [sys.executable, "-c", FORKING, json.dumps(nss.options)]
    tests = Path(__file__).parents[1]
    done = subprocess.run(argv, env={**os.environ, "PYTHONPATH": str(tests)}, timeout=60, check=False)
    assert done.returncode == 0


def test_a_root_and_a_certificate_by_commands(
    nss: Nss, label: str, anchorhold: Command, csr_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = "".join(f'{name} = "{value}"\n' for name, value in nss.options.items())
    section = '[key_backends.default]\nbackend = "hsm"\n[key_backends.default.options]\n'
    configure(tmp_path, monkeypatch, section + options)
    root, leaf = tmp_path / "root.pem", tmp_path / "leaf.pem"
    pin = f"--user-pin={USER_PIN}"
    good(anchorhold("init-ca", "Root", "CN=Root", f"--key-label={label}", pin, f"--out={root}"))
    good(anchorhold("sign-cert", "--ca=Root", f"--csr={csr_file}", "--alt=example.com", pin, f"--out={leaf}"))
    openssl("verify", "-x509_strict", "-CAfile", root, leaf)
