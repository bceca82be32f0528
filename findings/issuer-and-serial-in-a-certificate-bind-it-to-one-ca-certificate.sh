#!/usr/bin/env bash
# A CA certificate renewed with the same key and name does not verify what it signed before, if that names issuer and serial.
#
# Versions: cryptography 50.0.2, pyhanko-certvalidator 0.33.0, pyOpenSSL 26.4.0 (with OpenSSL 4.0.3 inside); openssl 3.0.19,
#   GnuTLS 3.7.9, NSS 3.87.1 (certutil), gpgsm 2.2.40, OpenJDK 17.0.15.
# Behaviour: authorityKeyIdentifier has the key identifier, and beside it issuer and serial number of the CA's certificate,
#   as `authorityKeyIdentifier = keyid,issuer:always` makes openssl write it. The CA's certificate is renewed: name, key and
#   subjectKeyIdentifier stay, the serial number is another. openssl, OpenSSL 4 and pyhanko-certvalidator then say that
#   the issuer is not there (error 20), Java as well if the renewed one is the root. GnuTLS, NSS, gpgsm and cryptography
#   build the path by name and key.
# Why a good guess misses: renewing with the same key is done so that issued certificates stay valid, the key identifier,
#   which is there and fits, is taken for what decides, and the message points to a missing file. It shows years
#   after the profile was written, on the day of the renewal, for each certificate issued before.
# Who is right: RFC 5280, section 6, does not use the extension to validate a path; section 4.2.1.1 gives it to find the
#   issuer's key, and allows both forms. Not to build a path with it is allowed; nothing asks for it.
# Instead: the key identifier alone in every certificate, also in those of CAs below the root (`keyid:always`); where the
#   long form has been issued, keep the old CA certificate in what servers send until it expires, or reissue.
# Needs: openssl, certtool (gnutls-bin), certutil (libnss3-tools), gpgsm, java (a JDK), python3 with venv.
#
# Output seen:
#   program      key identifier alone   leaf names the old issuing CA   issuing CA names the old root
#   openssl      yes                    NO                              NO
#   OpenSSL 4    yes                    NO                              NO
#   pyhanko      yes                    NO                              NO
#   java         yes                    yes                             NO
#   nss          yes                    yes                             yes
#   gnutls       yes                    yes                             yes
#   gpgsm        yes                    yes                             yes
#   cryptography yes                    yes                             yes
#   openssl says: unable to get local issuer certificate
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
venv/bin/pip install -q cryptography==50.0.2 pyhanko-certvalidator==0.33.0 pyOpenSSL==26.4.0
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
cat > renewed.py <<'PYTHON'
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
from OpenSSL import crypto

START = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
HOME = sys.argv[1]
keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("root", "issuing", "leaf")}


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(subject, issuer, named=None):
    """`named` is the certificate of the issuer whose issuer and serial number the extension names."""
    authority, public = subject != "leaf", keys[subject].public_key()
    identifier = x509.SubjectKeyIdentifier.from_public_key(keys[issuer].public_key()).digest
    where = (identifier, [x509.DirectoryName(named.issuer)], named.serial_number) if named else (identifier, None, None)
    usage = x509.KeyUsage(not authority, False, False, False, False, authority, authority, False, False)
    builder = (
        x509.CertificateBuilder(name(issuer), name(subject), public, x509.random_serial_number())
        .not_valid_before(START)
        .not_valid_after(START + datetime.timedelta(days=2))
        .add_extension(x509.BasicConstraints(authority, None), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
        .add_extension(x509.AuthorityKeyIdentifier(*where), False)
        .add_extension(usage, True)
    )
    if not authority:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("www.example.com")]), False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
    return builder.sign(keys[issuer], hashes.SHA256())


def chains():
    """Leaf first, root last; the last two have certificates of CAs that were renewed after they had signed."""
    old_root, old_issuing = certificate("root", "root"), certificate("issuing", "root")
    root, issuing, leaf = certificate("root", "root"), certificate("issuing", "root"), certificate("leaf", "issuing")
    yield "key identifier alone", [leaf, issuing, root]
    yield "leaf names the old issuing CA", [certificate("leaf", "issuing", old_issuing), issuing, root]
    yield "issuing CA names the old root", [leaf, certificate("issuing", "root", old_root), root]


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


said = set()


def by_openssl(folder, chain):
    files = ["-CAfile", f"{folder}/root.pem", "-untrusted", f"{folder}/between.pem", f"{folder}/leaf.pem"]
    ended = run("openssl", "verify", *files)
    said.update(line.partition("lookup: ")[2] for line in ended.stderr.splitlines() if "lookup: " in line)
    return ended.returncode == 0


def by_openssl_4(folder, chain):
    leaf, *between, root = (crypto.X509.from_cryptography(each) for each in chain)
    store = crypto.X509Store()
    store.add_cert(root)
    try:
        crypto.X509StoreContext(store, leaf, between).verify_certificate()
    except crypto.X509StoreContextError as error:
        assert "unable to get local issuer" in str(error), error
        return False
    return True


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
    except pyhanko.errors.PathBuildingError:
        return False
    return True


def by_gnutls(folder, chain):
    with open(f"{folder}/chain.pem") as file:
        talk = run("certtool", "--verify", "--load-ca-certificate", f"{folder}/root.pem", stdin=file).stdout
    return "Chain verification output: Verified" in talk


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
    return "[certificate is good]" in run(*gpgsm, "--with-validation", "--list-keys", "CN=leaf").stdout


def by_cryptography(folder, chain):
    leaf, *between, root = chain
    policy = verification.PolicyBuilder().store(verification.Store([root]))
    try:
        policy.build_server_verifier(x509.DNSName("www.example.com")).verify(leaf, between)
    except verification.VerificationError:
        return False
    return True


PROGRAMS = {  # whether the three chains are accepted
    "openssl": (by_openssl, [True, False, False]),
    "OpenSSL 4": (by_openssl_4, [True, False, False]),
    "pyhanko": (by_pyhanko, [True, False, False]),
    "java": (by_java, [True, True, False]),
    "nss": (by_nss, [True, True, True]),
    "gnutls": (by_gnutls, [True, True, True]),
    "gpgsm": (by_gpgsm, [True, True, True]),
    "cryptography": (by_cryptography, [True, True, True]),
}
every = dict(chains())
folders = {label.replace(" ", "-"): chain for label, chain in every.items()}
for folder, chain in folders.items():
    write(folder, chain)
first, second, third = every
print(f"{'program':12} {first:22} {second:31} {third}")
same = True
for program, (verify, expected) in PROGRAMS.items():
    answers = [verify(folder, chain) for folder, chain in folders.items()]
    same &= answers == expected
    first, second, third = ("yes" if each else "NO" for each in answers)
    print(f"{program:12} {first:22} {second:31} {third}")
print(f"openssl says: {'; '.join(said)}")
sys.exit(0 if same and said == {"unable to get local issuer certificate"} else 1)
PYTHON
venv/bin/python renewed.py "$home" || { echo "the behaviour has changed" >&2; exit 1; }
