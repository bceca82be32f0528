#!/usr/bin/env bash
# Whether Sigstore's client reads a time-stamp of openssl depends on which certificate is longer, signer's or CA's.
#
# Versions: openssl 3.0.19 (ts), rfc3161-client 1.0.9, cryptography 50.0.2.
# Behaviour: `openssl ts -reply -chain` writes the certificates into the SET OF of SignedData as they come: the signer's,
#   then the chain. rfc3161-client takes DER only and refuses another order (InvalidSetOrdering) before it looks at
#   anything else. Sorted by their encodings, certificates come in the order of their length; so a TSA certificate
#   that is longer than its CA's is refused, the same TSA under a CA with a longer name is read and verified.
#   `openssl ts -verify` accepts both.
# Why a good guess misses: the error speaks of ASN.1, so that the response is thought to be damaged, while openssl says it
#   is fine; and the test CA, the one with the longer name or the larger key, decides whether it is met at all.
# Who is right: the client, by RFC 3161, section 3.4 (over HTTP the response is DER), and X.690, section 11.6; openssl by
#   RFC 5652, section 5.1, which lets SignedData be BER.
# Instead: leave the chain out (no -chain; the verifier is given it), or sort the certificates and re-encode: they are
#   outside what is signed (RFC 5652, section 5.4).
# Needs: openssl, python3 with venv.
#
# Output seen (numbers may differ by one or two):
#   signer 403 octets, CA 354 octets, with -chain:    openssl Verification: OK; rfc3161-client InvalidSetOrdering
#   signer 403 octets, CA 354 octets, without -chain: openssl Verification: OK; rfc3161-client verified
#   signer 709 octets, CA 967 octets, with -chain:    openssl Verification: OK; rfc3161-client verified
set -euo pipefail
command -v openssl > /dev/null || { echo "openssl is not there; install the package openssl" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q rfc3161-client==1.0.9 cryptography==50.0.2
cat > ca.cnf <<'CONF'
[req]
distinguished_name = empty
[empty]
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[tsa]
extendedKeyUsage = critical, timeStamping
keyUsage = critical, digitalSignature
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[tsa_config]
serial = serial
signer_digest = sha256
default_policy = 2.16.840.1.101.3.2.1.48.1
digests = sha256
ess_cert_id_alg = sha256
CONF
echo 01 > serial
echo "what is stamped" > data
openssl ts -query -data data -sha256 -cert -out query.tsq 2> openssl.log
authority() { # name of the files, subject of the CA
  openssl req -config ca.cnf -x509 -extensions root -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1-ca.key" \
    -out "$1-ca.pem" -subj "$2" 2> openssl.log
  openssl req -config ca.cnf -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.csr" \
    -subj "/CN=Example TSA" 2> openssl.log
  openssl x509 -req -in "$1.csr" -CA "$1-ca.pem" -CAkey "$1-ca.key" -days 30 -extfile ca.cnf -extensions tsa -out "$1.pem" \
    2> openssl.log
}
stamp() { # name of the files, name of the response, more options
  local name=$1 response=$2
  shift 2
  openssl ts -reply -config ca.cnf -section tsa_config -queryfile query.tsq -signer "$name.pem" -inkey "$name.key" \
    -out "$response.tsr" "$@" 2> openssl.log
}
authority short "/CN=CA"
long="An Organisation With A Name As Long As They Can Be In Practice"
authority long "/C=AT/ST=$long/L=$long/O=$long/OU=$long/CN=CA"
stamp short short-chain -chain short-ca.pem
stamp short short-alone
stamp long long-chain -chain long-ca.pem
cat > verify.py <<'PYTHON'
import subprocess
import sys

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response


def load(file):
    with open(file, "rb") as opened:
        return x509.load_pem_x509_certificate(opened.read())


def by_openssl(name, response):
    files = ["-queryfile", "query.tsq", "-in", f"{response}.tsr", "-CAfile", f"{name}-ca.pem", "-untrusted", f"{name}.pem"]
    talk = subprocess.run(["openssl", "ts", "-verify", *files], capture_output=True, text=True)
    return next((line for line in (talk.stdout + talk.stderr).splitlines() if line.startswith("Verification")), "?")


def by_client(name, response):
    with open(f"{response}.tsr", "rb") as opened, open("data", "rb") as data:
        try:
            stamp = decode_timestamp_response(opened.read())
            VerifierBuilder().add_root_certificate(load(f"{name}-ca.pem")).build().verify_message(stamp, data.read())
        except (ValueError, VerificationError) as error:
            return "InvalidSetOrdering" if "InvalidSetOrdering" in str(error) else repr(error)
    return "verified"


CASES = (("short", "short-chain", "InvalidSetOrdering"), ("short", "short-alone", "verified"), ("long", "long-chain", "verified"))
same = True
for name, response, expected in CASES:
    signer, authority = (len(load(file).public_bytes(Encoding.DER)) for file in (f"{name}.pem", f"{name}-ca.pem"))
    chain = "with -chain:   " if "chain" in response else "without -chain:"
    answers = by_openssl(name, response), by_client(name, response)
    print(f"signer {signer} octets, CA {authority} octets, {chain} openssl {answers[0]}; rfc3161-client {answers[1]}")
    same &= answers == ("Verification: OK", expected)
sys.exit(0 if same else 1)
PYTHON
venv/bin/python verify.py || { echo "the behaviour has changed" >&2; exit 1; }
