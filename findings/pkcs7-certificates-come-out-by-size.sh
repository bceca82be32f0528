#!/usr/bin/env bash
# A certs-only PKCS#7 (.p7b) made by cryptography has its certificates in the order of their size, not of the chain.
#
# Versions: cryptography 50.0.2; openssl 3.0.19.
# Behaviour: `serialize_certificates([leaf, issuing, root])` writes DER, in which the elements of a SET OF are sorted
#   (X.690, section 11.6). A certificate of 256 to 65535 octets begins with 30 82 and its length, so that sorting is
#   sorting by size: a leaf with one name comes first, the same leaf with forty names last. The loader gives the order
#   of the file. `openssl crl2pkcs7` keeps the order given, which is BER; cryptography reads that with a warning that
#   it may become an error.
# Why a good guess misses: the list goes in leaf first and comes out leaf first as long as leaves are smaller than CA
#   certificates, as in most tests; so "the first is mine" holds until somebody asks for many names or a larger key.
# Who is right: both. RFC 5652, section 10.2.3, gives `certificates` no order, and section 5.1 does not ask for DER.
# Instead: find the leaf by its public key, then follow issuer and subject; write PEM where order matters (RFC 8446,
#   section 4.4.2; RFC 8555, section 9.1).
# Needs: openssl, python3 with venv.
#
# Output seen (root and issuing, alike in size, change places at times):
#   leaf with  1 name:  given leaf, issuing, root; read leaf, root, issuing
#   leaf with 40 names: given leaf, issuing, root; read root, issuing, leaf
#   openssl crl2pkcs7, leaf with 40 names: read leaf, issuing, root; warned of InvalidSetOrdering: True
set -euo pipefail
command -v openssl > /dev/null || { echo "openssl is not there; install the package openssl" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q cryptography==50.0.2
cat > order.py <<'PYTHON'
import datetime
import subprocess
import sys
import warnings

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import NameOID

NOW = datetime.datetime.now(datetime.UTC)
GIVEN = ["leaf", "issuing", "root"]


def name(text, organisation=None):
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation)] if organisation else []
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, text)])


ROOT = name("root", "An Organisation With A Long Name")
ISSUING = name("issuing", "An Organisation With A Long Name")


def certificate(subject, issuer, key, signer, names=()):
    public = key.public_key()
    builder = (
        x509.CertificateBuilder(issuer, subject, public, x509.random_serial_number(), NOW, NOW + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(not names, None), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), False)
    else:
        policy = x509.PolicyInformation(x509.ObjectIdentifier("2.5.29.32.0"), ["http://ca.example.com/policy.html"])
        builder = builder.add_extension(x509.CertificatePolicies([policy]), False)
    return builder.sign(signer, hashes.SHA256())


def read(der):
    return [each.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value for each in pkcs7.load_der_pkcs7_certificates(der)]


root_key, issuing_key, leaf_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
root = certificate(ROOT, ROOT, root_key, root_key)
issuing = certificate(ISSUING, ROOT, issuing_key, root_key)
seen = []
for count in (1, 40):
    leaf = certificate(name("leaf"), ISSUING, leaf_key, issuing_key, [f"w{number}.example.com" for number in range(count)])
    seen.append(read(pkcs7.serialize_certificates([leaf, issuing, root], Encoding.DER)))
    noun = "name: " if count == 1 else "names:"
    print(f"leaf with {count:2} {noun} given {', '.join(GIVEN)}; read {', '.join(seen[-1])}")
with open("chain.pem", "wb") as file:
    file.write(b"".join(each.public_bytes(Encoding.PEM) for each in (leaf, issuing, root)))
command = ["openssl", "crl2pkcs7", "-nocrl", "-certfile", "chain.pem", "-outform", "DER"]
der = subprocess.run(command, capture_output=True, check=True).stdout
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    by_openssl = read(der)
warned = any("InvalidSetOrdering" in str(each.message) for each in told)
print(f"openssl crl2pkcs7, leaf with 40 names: read {', '.join(by_openssl)}; warned of InvalidSetOrdering: {warned}")
small, large = seen
sys.exit(0 if small[0] == "leaf" and large[-1] == "leaf" and by_openssl == GIVEN and warned else 1)
PYTHON
venv/bin/python order.py || { echo "the behaviour has changed" >&2; exit 1; }
