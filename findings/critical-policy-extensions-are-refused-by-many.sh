#!/usr/bin/env bash
# The policy extensions that RFC 5280 wants critical make a CA unusable for certutil, GnuTLS, gpgsm and cryptography.
#
# Versions: cryptography 50.0.2, pyhanko-certvalidator 0.33.0; openssl 3.0.19, GnuTLS 3.7.9, NSS 3.87.1 (certutil,
#   vfychain), gpgsm 2.2.40, OpenJDK 17.0.15.
# Behaviour: root, issuing CA with certificatePolicies and one more extension, leaf with the policy. inhibitAnyPolicy,
#   policyConstraints, policyMappings (all critical), or certificatePolicies marked critical in both. openssl, Java,
#   pyhanko-certvalidator and vfychain -pp accept all four. certutil -V refuses all four with "unknown critical
#   extension", although it is of the same NSS as vfychain (whose -pp goes to the library's second verifier). GnuTLS
#   knows two of them. gpgsm refuses three, and certificatePolicies as long as its policies.txt does not name the policy.
#   cryptography refuses all four.
#   Beside it: `openssl verify -policy_check` answers "no explicit policy" (error 43) to the valid chain whose
#   policyConstraints say requireExplicitPolicy, until it is given `-policy 2.5.29.32.0`.
# Why a good guess misses: these are the constraints the RFC itself defines, its path validation (section 6.1) handles
#   each, and a CA is told to mark them critical; name constraints, as rare, are accepted by most. openssl, the
#   usual check, does not even need an option.
# Who is right: those that accept. RFC 5280, sections 4.2.1.5 (policyMappings SHOULD be critical), 4.2.1.11 and 4.2.1.14
#   (policyConstraints and inhibitAnyPolicy MUST be); 6.1.1, letter c: without a wish the initial set is any-policy. To
#   refuse a critical extension one does not process is what section 4.2 asks for, so the refusal is safe.
# Instead: certificatePolicies not critical, and nothing more of this family in hierarchies for TLS or S/MIME;
#   policyMappings not critical where a bridge needs them (all eight accept that).
# Needs: openssl, certtool (gnutls-bin), certutil and vfychain (libnss3-tools), gpgsm, java (a JDK), python3 with venv.
#
# Output seen:
#   extension of the issuing CA        openssl nss-V nss-pp java pyhanko gnutls gpgsm cryptography
#   none                               yes     yes   yes    yes  yes     yes    yes   yes
#   inhibitAnyPolicy, critical         yes     NO    yes    yes  yes     yes    NO    NO
#   policyConstraints, critical        yes     NO    yes    yes  yes     NO     NO    NO
#   policyMappings, critical           yes     NO    yes    yes  yes     NO     NO    NO
#   certificatePolicies, critical      yes     NO    yes    yes  yes     yes    NO    NO
#   policyMappings, not critical       yes     yes   yes    yes  yes     yes    yes   yes
#   openssl verify -policy_check, policyConstraints: no explicit policy; with -policy 2.5.29.32.0: OK
set -euo pipefail
for need in openssl:openssl certtool:gnutls-bin certutil:libnss3-tools vfychain:libnss3-tools gpgsm:gpgsm gpgconf:gpgconf \
  javac:default-jdk-headless; do
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
OURS, THEIRS = "2.16.840.1.101.3.2.1.48.1", "2.16.840.1.101.3.2.1.48.2"  # test policies of the NIST
NAMES = {name: x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("root", "issuing", "leaf")}
keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in NAMES}


def certificate(subject, issuer, extra=()):
    authority, public = subject != "leaf", keys[subject].public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(NAMES[subject])
        .issuer_name(NAMES[issuer])
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(START)
        .not_valid_after(START + datetime.timedelta(days=2))
        .add_extension(x509.BasicConstraints(authority, None), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(keys[issuer].public_key()), False)
        .add_extension(
            x509.KeyUsage(not authority, False, False, False, False, authority, authority, False, False), True
        )
    )
    if not authority:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("www.example.com")]), False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
    for extension, critical in extra:
        builder = builder.add_extension(extension, critical)
    return builder.sign(keys[issuer], hashes.SHA256())


def policies(identifier, critical=False):
    return x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier(identifier), None)]), critical


def mapping(critical):
    pair = {"issuer_domain_policy": OURS, "subject_domain_policy": THEIRS}
    value = asn1.PolicyMappings([pair]).dump()
    return x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.33"), value), critical


CASES = {  # what the issuing CA has, what the leaf has, who refuses
    "none": ([], [], ""),
    "inhibitAnyPolicy, critical": (
        [policies(OURS), (x509.InhibitAnyPolicy(0), True)],
        [policies(OURS)],
        "nss-V gpgsm cryptography",
    ),
    "policyConstraints, critical": (
        [policies(OURS), (x509.PolicyConstraints(0, 0), True)],
        [policies(OURS)],
        "nss-V gnutls gpgsm cryptography",
    ),
    "policyMappings, critical": (
        [policies(OURS), mapping(True)],
        [policies(THEIRS)],
        "nss-V gnutls gpgsm cryptography",
    ),
    "certificatePolicies, critical": ([policies(OURS, True)], [policies(OURS, True)], "nss-V gpgsm cryptography"),
    "policyMappings, not critical": ([policies(OURS), mapping(False)], [policies(THEIRS)], ""),
}


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, **more)


def write(folder, chain):
    os.mkdir(folder)
    pems = [each.public_bytes(Encoding.PEM) for each in chain]
    for file, content in {"leaf": pems[:1], "issuing": pems[1:2], "root": pems[2:], "chain": pems}.items():
        with open(f"{folder}/{file}.pem", "wb") as out:
            out.write(b"".join(content))
    database = f"sql:{folder}/nss"
    os.mkdir(f"{folder}/nss")
    run("certutil", "-N", "-d", database, "--empty-password")
    for name, trust in {"root": "C,,", "issuing": ",,", "leaf": ",,"}.items():
        run("certutil", "-A", "-d", database, "-n", name, "-t", trust, "-i", f"{folder}/{name}.pem")


def by_openssl(folder, *options):
    files = ["-CAfile", f"{folder}/root.pem", "-untrusted", f"{folder}/issuing.pem", f"{folder}/leaf.pem"]
    return run("openssl", "verify", "-x509_strict", *options, *files)


def by_gpgsm(folder):
    run("gpgconf", "--homedir", HOME, "--kill", "all")
    for entry in os.scandir(HOME):
        shutil.rmtree(entry) if entry.is_dir() else os.remove(entry)
    with open(f"{HOME}/gpgsm.conf", "w") as file:
        file.write("disable-crl-checks\n")
    with open(f"{folder}/root.pem", "rb") as file:
        root = x509.load_pem_x509_certificate(file.read())
    with open(f"{HOME}/trustlist.txt", "w") as file:
        file.write(f"{root.fingerprint(hashes.SHA1()).hex(':').upper()} S relax\n")  # the file's own form of a name
    gpgsm = ["gpgsm", "--homedir", HOME, "--batch"]
    for name in ("root", "issuing", "leaf"):
        run(*gpgsm, "--import", f"{folder}/{name}.pem")
    return "[certificate is good]" in run(*gpgsm, "--with-validation", "--list-keys", "CN=leaf").stdout


def by_gnutls(folder):
    with open(f"{folder}/chain.pem") as file:
        talk = run("certtool", "--verify", "--load-ca-certificate", f"{folder}/root.pem", stdin=file).stdout
    return "Chain verification output: Verified" in talk


def load(folder):
    with open(f"{folder}/chain.pem", "rb") as file:
        return x509.load_pem_x509_certificates(file.read())


def by_pyhanko(folder):
    leaf, issuing, root = (asn1.Certificate.load(each.public_bytes(Encoding.DER)) for each in load(folder))
    context = pyhanko.ValidationContext(trust_roots=[root], allow_fetching=False)
    validator = pyhanko.CertificateValidator(leaf, [issuing], validation_context=context)
    try:
        asyncio.run(validator.async_validate_usage({"digital_signature"}))
    except pyhanko.errors.ValidationError:
        return False
    return True


def by_cryptography(folder):
    leaf, issuing, root = load(folder)
    policy = verification.PolicyBuilder().store(verification.Store([root]))
    try:
        policy.build_server_verifier(x509.DNSName("www.example.com")).verify(leaf, [issuing])
    except verification.VerificationError as error:
        assert "critical" in str(error), error
        return False
    return True


def by_vfychain(folder):
    database = ["-d", f"sql:{folder}/nss"]
    return run("vfychain", "-pp", "-u", "1", *database, "-a", f"{folder}/leaf.pem", f"{folder}/issuing.pem").returncode == 0


PROGRAMS = {
    "openssl": lambda folder: by_openssl(folder).returncode == 0,
    "nss-V": lambda folder: run("certutil", "-V", "-e", "-u", "V", "-d", f"sql:{folder}/nss", "-n", "leaf").returncode == 0,
    "nss-pp": by_vfychain,
    "java": lambda folder: run("java", "Verify", folder).returncode == 0,
    "pyhanko": by_pyhanko,
    "gnutls": by_gnutls,
    "gpgsm": by_gpgsm,
    "cryptography": by_cryptography,
}
same = True
print(f"{'extension of the issuing CA':34} {' '.join(PROGRAMS)}")
for number, (case, (of_issuing, of_leaf, refusers)) in enumerate(CASES.items()):
    folder = f"case{number}"
    leaf, issuing = certificate("leaf", "issuing", of_leaf), certificate("issuing", "root", of_issuing)
    write(folder, [leaf, issuing, certificate("root", "root")])
    answers = {name: verify(folder) for name, verify in PROGRAMS.items()}
    print(f"{case:34} " + " ".join(f"{'yes' if answer else 'NO':{len(name)}}" for name, answer in answers.items()).rstrip())
    same &= {name for name, answer in answers.items() if not answer} == set(refusers.split())
    if "policyConstraints" in case:
        alone = by_openssl(folder, "-policy_check").stderr
        told = by_openssl(folder, "-policy_check", "-policy", "2.5.29.32.0").returncode == 0
        same &= "no explicit policy" in alone and told
print(f"openssl verify -policy_check, policyConstraints: {'no explicit policy' if 'no explicit' in alone else alone}; ", end="")
print(f"with -policy 2.5.29.32.0: {'OK' if told else 'refused'}")
sys.exit(0 if same else 1)
PYTHON
venv/bin/python verify.py "$home" || { echo "the behaviour has changed" >&2; exit 1; }
