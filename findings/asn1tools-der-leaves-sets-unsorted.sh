#!/usr/bin/env bash
# asn1tools' DER does not sort a SET OF: its names with a multi-valued RDN are refused by cryptography.
#
# Versions: asn1tools 0.169.0, pyasn1 0.6.5, asn1crypto 1.5.1, cryptography 50.0.2; openssl 3.0.19.
# Behaviour: the codec "der" of asn1tools writes the elements of a SET OF in the order given, although it sorts a SET by
#   its tags. pyasn1 and asn1crypto sort both. cryptography refuses a request whose RDN stands in the wrong order
#   (InvalidSetOrdering); openssl reads and verifies it.
# Why a good guess misses: the codec is named DER and does the rest of it; one attribute in each RDN, the usual name,
#   is sorted by itself; and the order is right by chance for half of the pairs. In CMS it changes what is signed:
#   signedAttrs are a SET OF that is signed as DER (RFC 5652, section 5.4), and a verifier that re-encodes them gets other
#   octets.
# Who is right: X.690, section 11.6, sorts SET OF by the encodings; RFC 5280, section 4.1, wants DER for certificates.
# Instead: sort by encoding before handing over (ascending, the shorter padded with zeros), or encode with pyasn1,
#   asn1crypto or cryptography.
# Needs: openssl, python3 with venv.
#
# Output seen:
#   SET OF {300, 1, 2}: asn1tools 0202012c020101020102; pyasn1 0201010201020202012c; asn1crypto 0201010201020202012c
#   request with O+CN in one RDN, O first:  cryptography refuses it (InvalidSetOrdering); openssl verifies it
#   request with O+CN in one RDN, CN first: cryptography reads it; openssl verifies it
set -euo pipefail
command -v openssl > /dev/null || { echo "openssl is not there; install the package openssl" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q asn1tools==0.169.0 pyasn1==0.6.5 asn1crypto==1.5.1 cryptography==50.0.2
cat > sets.py <<'PYTHON'
import subprocess
import sys

import asn1tools
from asn1crypto import core
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pyasn1.codec.der import encoder
from pyasn1.type import univ

SPECIFICATION = """
Request DEFINITIONS EXPLICIT TAGS ::= BEGIN
Numbers ::= SET OF INTEGER
Attribute ::= SEQUENCE { type OBJECT IDENTIFIER, value UTF8String }
Name ::= SEQUENCE OF SET OF Attribute
Algorithm ::= SEQUENCE { algorithm OBJECT IDENTIFIER, parameters OBJECT IDENTIFIER OPTIONAL }
KeyInfo ::= SEQUENCE { algorithm Algorithm, key BIT STRING }
Info ::= SEQUENCE { version INTEGER, subject Name, keyInfo KeyInfo, attributes [0] IMPLICIT SET OF NULL }
Request ::= SEQUENCE { info Info, algorithm Algorithm, signature BIT STRING }
END
"""  # PKCS#10 (RFC 2986, section 4), cut down to an EC key and no attributes
NUMBERS = [300, 1, 2]
module = asn1tools.compile_string(SPECIFICATION, "der")
key = ec.generate_private_key(ec.SECP256R1())


class Numbers(core.SetOf):
    _child_spec = core.Integer


def by_pyasn1():
    numbers = univ.SetOf(componentType=univ.Integer())
    numbers.extend(NUMBERS)
    return encoder.encode(numbers)


def request(*rdn):
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    info = {
        "version": 0,
        "subject": [[{"type": kind, "value": value} for kind, value in rdn]],
        "keyInfo": {
            "algorithm": {"algorithm": "1.2.840.10045.2.1", "parameters": "1.2.840.10045.3.1.7"},
            "key": (point, 8 * len(point)),
        },
        "attributes": [],
    }
    signature = key.sign(module.encode("Info", info), ec.ECDSA(hashes.SHA256()))
    whole = {"info": info, "algorithm": {"algorithm": "1.2.840.10045.4.3.2"}, "signature": (signature, 8 * len(signature))}
    return module.encode("Request", whole)


def cryptography_reads(der):
    try:
        x509.load_der_x509_csr(der)
    except ValueError as error:
        assert "InvalidSetOrdering" in str(error), error
        return False
    return True


def openssl_verifies(der):
    command = ["openssl", "req", "-inform", "DER", "-verify", "-noout"]
    return subprocess.run(command, input=der, capture_output=True).returncode == 0


sets = {"asn1tools": module.encode("Numbers", NUMBERS), "pyasn1": by_pyasn1(), "asn1crypto": Numbers(NUMBERS).dump()}
print(f"SET OF {{300, 1, 2}}: {'; '.join(f'{name} {der[2:].hex()}' for name, der in sets.items())}")
same = sets["pyasn1"] == sets["asn1crypto"] != sets["asn1tools"]
organisation, common = ("2.5.4.10", "Example"), ("2.5.4.3", "example")
for first, rdn, readable in (("O first: ", (organisation, common), False), ("CN first:", (common, organisation), True)):
    der = request(*rdn)
    reads, verifies = cryptography_reads(der), openssl_verifies(der)
    verdict = "reads it" if reads else "refuses it (InvalidSetOrdering)"
    print(f"request with O+CN in one RDN, {first} cryptography {verdict}; openssl {'verifies' if verifies else 'refuses'} it")
    same &= reads is readable and verifies
sys.exit(0 if same else 1)
PYTHON
venv/bin/python sets.py || { echo "the behaviour has changed" >&2; exit 1; }
