#!/usr/bin/env bash
# moto's KMS hashes what it is given as a digest, and salts PSS to the full: only moto verifies what it signs.
#
# Versions: moto 5.2.5, boto3 1.44.8, cryptography 50.0.2.
# Behaviour: `sign` with MessageType DIGEST gives a signature over the digest's digest. RSASSA_PSS is made with the
#   longest salt that fits. moto's own `verify` accepts each of them.
# Why a good guess misses: the test of a key backend that signs and verifies through the same client is green; so is one
#   with RAW messages, ECDSA and PKCS#1. A certificate is signed over its digest, as its TBSCertificate may be larger than
#   the 4096 octets that RAW allows, and then nothing but moto verifies it: the fault looks like one of the backend.
# Who is right: not moto. The service's API reference (Sign) says that DIGEST is not hashed again, that RAW is limited to
#   4096 octets, and that PSS salts have the length of the hash. RFC 4055, section 3.1, puts the salt's length into the certificate, where a wrong one is fatal.
# Instead: verify each signature with the public key outside moto (the CA must do that anyway); test DIGEST and PSS
#   against a stand-in of ten lines that signs with `Prehashed`, and keep moto for keys, names and policies.
# Needs: python3 with venv.
#
# Output seen:
#   ECDSA_SHA_256             RAW    message, moto says valid
#   ECDSA_SHA_256             DIGEST digest of the digest, moto says valid
#   RSASSA_PKCS1_V1_5_SHA_256 RAW    message, moto says valid
#   RSASSA_PKCS1_V1_5_SHA_256 DIGEST digest of the digest, moto says valid
#   RSASSA_PSS_SHA_256        RAW    message with a salt of 222 octets, moto says valid
#   RSASSA_PSS_SHA_256        DIGEST digest of the digest with a salt of 222 octets, moto says valid
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q moto==5.2.5 boto3==1.44.8 cryptography==50.0.2
cat > sign.py <<'PYTHON'
import hashlib
import sys

import boto3
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import load_der_public_key
from moto import mock_aws

TBS = b"what stands for a TBSCertificate"
DIGEST = hashlib.sha256(TBS).digest()
SHA256 = hashes.SHA256()


def pss(salt):
    return padding.PSS(padding.MGF1(SHA256), salt)


WAYS = {  # how each algorithm is verified, as the service documents it and as it was seen
    "ECDSA_SHA_256": {"": (ec.ECDSA(SHA256),)},
    "RSASSA_PKCS1_V1_5_SHA_256": {"": (padding.PKCS1v15(), SHA256)},
    "RSASSA_PSS_SHA_256": {"": (pss(32), SHA256), " with a salt of 222 octets": (pss(222), SHA256)},
}


def signed_what(public, algorithm, signature):
    for way, arguments in WAYS[algorithm].items():
        for name, data in {"message": TBS, "digest of the digest": DIGEST}.items():
            try:
                public.verify(signature, data, *arguments)
            except InvalidSignature:
                continue
            return name + way
    return "nothing"


same = True
with mock_aws():
    client = boto3.client("kms", region_name="eu-central-1", aws_access_key_id="none", aws_secret_access_key="none")
    keys = {
        spec: client.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
        for spec in ("ECC_NIST_P256", "RSA_2048")
    }
    for algorithm in WAYS:
        key = keys["ECC_NIST_P256" if "ECDSA" in algorithm else "RSA_2048"]
        public = load_der_public_key(client.get_public_key(KeyId=key)["PublicKey"])
        for kind, message in {"RAW": TBS, "DIGEST": DIGEST}.items():
            request = {"KeyId": key, "Message": message, "MessageType": kind, "SigningAlgorithm": algorithm}
            signature = client.sign(**request)["Signature"]
            valid = client.verify(Signature=signature, **request)["SignatureValid"]
            what = signed_what(public, algorithm, signature)
            print(f"{algorithm:25} {kind:6} {what}, moto says {'valid' if valid else 'not valid'}")
            same &= valid and what.startswith("message" if kind == "RAW" else "digest of the digest")
            same &= ("222" in what) == ("PSS" in algorithm)
sys.exit(0 if same else 1)
PYTHON
venv/bin/python sign.py || { echo "the behaviour has changed" >&2; exit 1; }
