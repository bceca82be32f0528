#!/usr/bin/env bash
# The certificate that carries a CA over to its next key breaks pathLenConstraint for GnuTLS, gpgsm and cryptography.
#
# Versions: cryptography 50.0.2, pyhanko-certvalidator 0.33.0; openssl 3.0.19, GnuTLS 3.7.9, NSS 3.87.1 (certutil),
#   gpgsm 2.2.40, OpenJDK 17.0.15.
# Behaviour: root (path length 1), its new key certified by its old one ("new with old", same name on both sides),
#   issuing CA (path length 0), leaf. The same one level lower: issuing CA (path length 0), its new key under its old
#   one, leaf. openssl, NSS, Java and pyhanko-certvalidator accept both. GnuTLS says "violates the signer's constraints",
#   gpgsm "certificate chain longer than allowed by CA", cryptography "candidates exhausted: signature does not match".
#   With a path length one larger all seven accept.
# Why a good guess misses: the chain has no more CAs than the constraint allows, the program most used to check it
#   agrees, and the message of cryptography is that of another fault: the signatures all match.
# Who is right: those that accept. RFC 5280, section 4.2.1.9, counts the non-self-issued intermediate certificates
#   (6.1.4, letter l); RFC 4210, section 4.4, relies on it for the change of a root's key.
# Instead: leave one more level in pathLenConstraint (or none at the root) where keys are to be rolled over so, or
#   certify the new key under a new name.
# Needs: openssl, certtool (gnutls-bin), certutil (libnss3-tools), gpgsm, java (a JDK), python3 with venv.
#
# Output seen:
#   program      root 1, new with old   issuing 0, new with old   one level more
#   openssl      accepted               accepted                  accepted accepted
#   nss          accepted               accepted                  accepted accepted
#   java         accepted               accepted                  accepted accepted
#   pyhanko      accepted               accepted                  accepted accepted
#   gnutls       refused                refused                   accepted accepted
#   gpgsm        refused                refused                   accepted accepted
#   cryptography refused                refused                   accepted accepted
#   cryptography says: validation failed: candidates exhausted: signature does not match
set -euo pipefail
for need in openssl:openssl certtool:gnutls-bin certutil:libnss3-tools gpgsm:gpgsm gpgconf:gpgconf javac:default-jdk-headless; do
  command -v "${need%:*}" > /dev/null || { echo "${need%:*} is not there; install the package ${need#*:}" >&2; exit 2; }
done
export LC_ALL=C
folder=$(mktemp -d)
home=$(mktemp -d /tmp/g.XXXXXX) # sockets lie in it: their paths must be short
trap 'gpgconf --homedir "$home" --kill all; rm -rf "$folder" "$home"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q cryptography==50.0.2 pyhanko-certvalidator==0.33.0
cat > Verify.java <<'JAVA'
import java.io.FileInputStream;
import java.security.cert.*;
import java.util.*;

public class Verify {
    public static void main(String[] folder) throws Exception {
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        List<Certificate> path = new ArrayList<>(factory.generateCertificates(new FileInputStream(folder[0] + "/chain.pem")));
        TrustAnchor root = new TrustAnchor((X509Certificate) path.remove(path.size() - 1), null);
        PKIXParameters parameters = new PKIXParameters(Set.of(root));
        parameters.setRevocationEnabled(false);
        CertPathValidator.getInstance("PKIX").validate(factory.generateCertPath(path), parameters);
    }
}
JAVA
javac Verify.java
cat > verify.py <<'PYTHON'
import asyncio
import datetime
import os
import shutil
import subprocess
import sys

import pyhanko_certvalidator as pyhanko
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

START = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
HOME = sys.argv[1]
keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("root", "root2", "issuing", "issuing2", "leaf")}


def certificate(subject, issuer, key, signer, path_length=None):
    authority, public = subject != "leaf", keys[key].public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(START)
        .not_valid_after(START + datetime.timedelta(days=2))
        .add_extension(x509.BasicConstraints(authority, path_length), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(keys[signer].public_key()), False)
        .add_extension(
            x509.KeyUsage(not authority, False, False, False, False, authority, authority, False, False), True
        )
    )
    if not authority:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("www.example.com")]), False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
    return builder.sign(keys[signer], hashes.SHA256())


def chains(more):
    """Leaf first, root last."""
    yield [
        certificate("leaf", "issuing", "leaf", "issuing"),
        certificate("issuing", "root", "issuing", "root2", 0),
        certificate("root", "root", "root2", "root", 1 + more),
        certificate("root", "root", "root", "root", 1 + more),
    ]
    yield [
        certificate("leaf", "issuing", "leaf", "issuing2"),
        certificate("issuing", "issuing", "issuing2", "issuing", 0 + more),
        certificate("issuing", "root", "issuing", "root", 0 + more),
        certificate("root", "root", "root", "root"),
    ]


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, **more)


def write(folder, chain):
    os.mkdir(folder)
    pems = [each.public_bytes(Encoding.PEM) for each in chain]
    for file, content in {"leaf": pems[:1], "between": pems[1:-1], "root": pems[-1:], "chain": pems}.items():
        with open(f"{folder}/{file}.pem", "wb") as out:
            out.write(b"".join(content))
    for number, pem in enumerate(pems):
        with open(f"{folder}/{number}.pem", "wb") as out:
            out.write(pem)


def by_openssl(folder, chain):
    files = ["-CAfile", f"{folder}/root.pem", "-untrusted", f"{folder}/between.pem", f"{folder}/leaf.pem"]
    return run("openssl", "verify", "-x509_strict", *files).returncode == 0


def by_nss(folder, chain):
    database = ["-d", f"sql:{folder}/nss"]
    os.mkdir(f"{folder}/nss")
    run("certutil", "-N", *database, "--empty-password")
    for number in reversed(range(len(chain))):
        trust = "C,," if number == len(chain) - 1 else ",,"
        run("certutil", "-A", *database, "-n", f"c{number}", "-t", trust, "-i", f"{folder}/{number}.pem")
    return run("certutil", "-V", "-e", "-u", "V", *database, "-n", "c0").returncode == 0


def by_java(folder, chain):
    return run("java", "Verify", folder).returncode == 0


def by_pyhanko(folder, chain):
    leaf, *between, root = (asn1.Certificate.load(each.public_bytes(Encoding.DER)) for each in chain)
    context = pyhanko.ValidationContext(trust_roots=[root], allow_fetching=False)
    validator = pyhanko.CertificateValidator(leaf, between, validation_context=context)
    try:
        asyncio.run(validator.async_validate_usage({"digital_signature"}))
    except pyhanko.errors.ValidationError:
        return False
    return True


def by_gnutls(folder, chain):
    with open(f"{folder}/chain.pem") as file:
        talk = run("certtool", "--verify", "--load-ca-certificate", f"{folder}/root.pem", stdin=file).stdout
    accepted = "Chain verification output: Verified" in talk
    assert accepted or "violates the signer's constraints" in talk, talk
    return accepted


def by_gpgsm(folder, chain):
    run("gpgconf", "--homedir", HOME, "--kill", "all")
    for entry in os.scandir(HOME):
        shutil.rmtree(entry) if entry.is_dir() else os.remove(entry)
    with open(f"{HOME}/gpgsm.conf", "w") as file:
        file.write("disable-crl-checks\n")
    with open(f"{HOME}/trustlist.txt", "w") as file:
        file.write(f"{chain[-1].fingerprint(hashes.SHA1()).hex(':').upper()} S relax\n")  # the file's own form of a name
    gpgsm = ["gpgsm", "--homedir", HOME, "--batch"]
    for number in reversed(range(len(chain))):
        run(*gpgsm, "--import", f"{folder}/{number}.pem")
    talk = run(*gpgsm, "--with-validation", "--list-keys", "CN=leaf").stdout
    accepted = "[certificate is good]" in talk
    assert accepted or "longer than allowed" in talk, talk
    return accepted


said = set()


def by_cryptography(folder, chain):
    leaf, *between, root = chain
    policy = verification.PolicyBuilder().store(verification.Store([root]))
    try:
        policy.build_server_verifier(x509.DNSName("www.example.com")).verify(leaf, between)
    except verification.VerificationError as error:
        said.add(str(error).partition(" (")[0])
        return False
    return True


PROGRAMS = {  # whether the two chains with the exact path length are accepted
    "openssl": (by_openssl, True),
    "nss": (by_nss, True),
    "java": (by_java, True),
    "pyhanko": (by_pyhanko, True),
    "gnutls": (by_gnutls, False),
    "gpgsm": (by_gpgsm, False),
    "cryptography": (by_cryptography, False),
}
every = {f"more{more}-{number}": chain for more in (0, 1) for number, chain in enumerate(chains(more))}
for folder, chain in every.items():
    write(folder, chain)
print(f"{'program':12} {'root 1, new with old':22} {'issuing 0, new with old':25} one level more")
same = True
for name, (verify, exact) in PROGRAMS.items():
    answers = [verify(folder, chain) for folder, chain in every.items()]
    same &= answers == [exact, exact, True, True]
    first, second, *others = ("accepted" if each else "refused" for each in answers)
    print(f"{name:12} {first:22} {second:25} {' '.join(others)}")
print(f"cryptography says: {'; '.join(said)}")
sys.exit(0 if same and all("signature does not match" in each for each in said) else 1)
PYTHON
venv/bin/python verify.py "$home" || { echo "the behaviour has changed" >&2; exit 1; }
