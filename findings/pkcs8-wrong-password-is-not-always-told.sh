#!/usr/bin/env bash
# One wrong password in 256 for an encrypted PKCS#8 key is not reported as a wrong password.
#
# Versions: cryptography 50.0.2; openssl 3.0 (the one of the system; 3.x behaves alike).
# Behaviour: PBES2 (RFC 8018, section 6.2) has no check value. A wrong password is only noticed by the filling of the
#   last block, and 1 of 256 wrong keys gives a filling of one octet that fits (a little more, with longer ones).
#   cryptography then raises the error of a file that is no key ("Could not deserialize key data ..."), and openssl says
#   "unsupported" instead of "bad decrypt".
# Why a good guess misses: both have a clear answer for a wrong password, which comes in each single try by hand and in
#   each test with one wrong password; a program that tells "wrong password" from "damaged file" by it is wrong once in
#   256. What tells them apart is how the decrypted octets begin: as a PrivateKeyInfo (RFC 5958, section 2) or not.
#
# Output seen (numbers differ):
#   cryptography, 2560 wrong passwords: 2551 Incorrect password, could not decrypt key
#   cryptography, 2560 wrong passwords: 9 Could not deserialize key data
#   openssl pkey with one of the 9: error of the decoder: unsupported
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q cryptography==50.0.2
cat > tries.py <<'PYTHON'
import subprocess
import sys
from collections import Counter

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

TRIES = 2560
key = ec.generate_private_key(ec.SECP256R1())
pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"right"))
open("key.pem", "wb").write(pem)
said, other = Counter(), []
for number in range(TRIES):
    password = f"wrong{number}"
    try:
        load_pem_private_key(pem, password.encode())
    except ValueError as error:
        text = str(error).partition(".")[0]
        said[text] += 1
        if "password" not in text:
            other.append(password)
for text, count in said.most_common():
    print(f"cryptography, {TRIES} wrong passwords: {count} {text}")
if not other:
    sys.exit(1)
command = ["openssl", "pkey", "-in", "key.pem", "-passin", f"pass:{other[0]}", "-noout"]
talk = subprocess.run(command, capture_output=True, text=True).stderr
unsupported = "unsupported" in talk and "bad decrypt" not in talk
print(f"openssl pkey with one of the {len(other)}: error of the decoder: {'unsupported' if unsupported else talk}")
sys.exit(0 if 1 <= len(other) <= 40 and unsupported else 1)
PYTHON
venv/bin/python tries.py || { echo "the behaviour has changed" >&2; exit 1; }
