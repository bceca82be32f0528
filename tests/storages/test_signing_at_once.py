"""One signer in memory, used by threads and forked children at once."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from anchorhold import software_keys
from anchorhold.algorithms import KeySpec, key_spec
from anchorhold.public_keys import is_signed_by

SPECS = {
    "EC": key_spec("EC"),
    "RSA": key_spec("RSA", 2048),
    "Ed25519": key_spec("Ed25519"),
    "Ed448": key_spec("Ed448"),
}

_FORK = """
import os, sys
from anchorhold import software_keys
from anchorhold.algorithms import key_spec
from anchorhold.public_keys import is_signed_by

spec = key_spec(sys.argv[1], 2048 if sys.argv[1] == "RSA" else None)
signer = software_keys.SoftwareSigner(software_keys.generate(spec))
public_key = signer.public_key

def use(name):
    signatures = set()
    for number in range(20):
        message = f"{name} {number}".encode()
        signature = signer.sign(message, spec.algorithm())
        assert is_signed_by(public_key, signature, message, spec.algorithm())
        signatures.add(signature)
    return signatures

use("before")
children = []
for child in range(3):
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(writing, b"".join(sorted(use("same"))[:1]))
            signer.close()
        except BaseException:
            os._exit(1)
        os._exit(0)
    os.close(writing)
    children.append((pid, reading))
own = use("parent")
firsts = [os.read(reading, 4096) for _, reading in children]
assert [os.waitpid(pid, 0)[1] for pid, _ in children] == [0, 0, 0]
use("after")
if sys.argv[1] == "EC":
    assert len(set(firsts)) == 3, "children drew the same nonce"
"""


@pytest.mark.parametrize("kind", SPECS)
def test_threads_share_one_signer(kind: str) -> None:
    spec: KeySpec = SPECS[kind]
    signer = software_keys.SoftwareSigner(software_keys.generate(spec))

    def sign(number: int) -> bool:
        message = f"message {number}".encode()
        return is_signed_by(signer.public_key, signer.sign(message, spec.algorithm()), message, spec.algorithm())

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(sign, range(200)))
    signer.close()


@pytest.mark.parametrize("kind", SPECS)
def test_forked_children_share_one_signer_and_the_parent_goes_on(kind: str) -> None:
    ended = subprocess.run([sys.executable, "-c", _FORK, kind], capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")
