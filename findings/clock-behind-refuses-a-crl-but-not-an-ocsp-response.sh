#!/usr/bin/env bash
# Four minutes behind the CA's clock, OpenSSL refuses every certificate under a new CRL and takes a new OCSP response.
#
# Versions: openssl 3.0.19 (verify, ocsp), Python's ssl on the same library, pyOpenSSL 26.4.0 (with OpenSSL 4.0.3 inside),
#   OpenJDK 17.0.15, GnuTLS 3.7.9 (certtool, ocsptool), NSS 3.87.1 (crlutil, certutil), pyhanko-certvalidator 0.33.0;
#   cryptography 50.0.2 makes everything.
# Behaviour: thisUpdate is 240 s ahead of the client's clock. OpenSSL, old and new, has no tolerance for a CRL: "CRL is not
#   yet valid" (error 11) for each certificate, good ones too. The same library gives OCSP responses 300 s (`openssl ocsp
#   -validity_period`). pyhanko-certvalidator refuses both as "too recent"; Java and GnuTLS take both, NSS takes the CRL.
# Why a good guess misses: it ends by itself after as many seconds as the clocks differ, and returns with each new CRL, so
#   that it is over before anyone looks; a program on the same machine that asks by OCSP has no trouble; and a fault of the
#   clock is looked for in notAfter and nextUpdate, which lie days away.
# Who is right: RFC 5280, section 6.3.3, does not compare thisUpdate with the clock, so the refusal is OpenSSL's own. RFC 6960,
#   section 4.2.2.1, calls a response from the future unreliable (SHOULD), so there the lenient are less strict than asked.
# Instead: set thisUpdate some minutes back (`openssl ca -crl_lastupdate`), as is usual for notBefore, or publish a CRL
#   minutes after it is made; nextUpdate of the old one must leave that time.
# Needs: openssl, certtool and ocsptool (gnutls-bin), certutil and crlutil (libnss3-tools), java (a JDK), python3 with venv.
#
# Output seen:
#   thisUpdate   CRL: 60 s ago  240 s ahead  OCSP: 60 s ago  240 s ahead
#   openssl      taken          refused      taken           taken
#   Python's ssl taken          refused      -               -
#   OpenSSL 4    taken          refused      -               -
#   pyhanko      taken          refused      taken           refused
#   java         taken          taken        taken           taken
#   gnutls       taken          taken        taken           taken
#   nss          taken          taken        -               -
set -euo pipefail
for need in openssl:openssl certtool:gnutls-bin ocsptool:gnutls-bin certutil:libnss3-tools crlutil:libnss3-tools \
  javac:default-jdk-headless; do
  command -v "${need%:*}" > /dev/null || { echo "${need%:*} is not there; install the package ${need#*:}" >&2; exit 2; }
done
export LC_ALL=C
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q cryptography==50.0.2 pyhanko-certvalidator==0.33.0 pyOpenSSL==26.4.0
cat > Verify.java <<'JAVA'
import java.io.FileInputStream;
import java.nio.file.*;
import java.security.cert.*;
import java.util.*;

public class Verify {
    public static void main(String[] file) throws Exception {
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        TrustAnchor root = new TrustAnchor((X509Certificate) factory.generateCertificate(new FileInputStream("root.pem")), null);
        X509Certificate leaf = (X509Certificate) factory.generateCertificate(new FileInputStream("leaf.pem"));
        PKIXParameters parameters = new PKIXParameters(Set.of(root));
        CertPathValidator validator = CertPathValidator.getInstance("PKIX");
        PKIXRevocationChecker checker = (PKIXRevocationChecker) validator.getRevocationChecker();
        if (file[0].endsWith(".crl")) {
            checker.setOptions(EnumSet.of(PKIXRevocationChecker.Option.NO_FALLBACK, PKIXRevocationChecker.Option.PREFER_CRLS));
            List<CRL> crls = List.of(factory.generateCRL(new FileInputStream(file[0])));
            parameters.addCertStore(CertStore.getInstance("Collection", new CollectionCertStoreParameters(crls)));
        } else {
            checker.setOptions(EnumSet.of(PKIXRevocationChecker.Option.NO_FALLBACK));
            checker.setOcspResponses(Map.of(leaf, Files.readAllBytes(Path.of(file[0]))));
        }
        parameters.addCertPathChecker(checker);
        validator.validate(factory.generateCertPath(List.of(leaf)), parameters);
    }
}
JAVA
javac Verify.java
cat > clocks.py <<'PYTHON'
import asyncio
import datetime
import os
import ssl
import subprocess
import sys

import pyhanko_certvalidator as pyhanko
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID
from OpenSSL import crypto
from pyhanko_certvalidator.policy_decl import CertRevTrustPolicy, RevocationCheckingPolicy, RevocationCheckingRule

START = datetime.datetime.now(datetime.UTC).replace(microsecond=0) - datetime.timedelta(hours=1)
END = START + datetime.timedelta(days=2)
ROOT = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "root")])
LEAF = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "leaf")])
root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())


def certificate(subject, public):
    authority = subject == ROOT
    usage = x509.KeyUsage(not authority, False, False, False, False, authority, authority, False, False)
    builder = (
        x509.CertificateBuilder(ROOT, subject, public, x509.random_serial_number(), START, END)
        .add_extension(x509.BasicConstraints(authority, None), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), False)
        .add_extension(usage, True)
    )
    if not authority:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("www.example.com")]), False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
        access = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier("http://ocsp.example.com/"))
        builder = builder.add_extension(x509.AuthorityInformationAccess([access]), False)  # never asked; pyhanko wants it to be there
    return builder.sign(root_key, hashes.SHA256())


def revocation_list(issued):
    return (
        x509.CertificateRevocationListBuilder(ROOT, issued, END)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), False)
        .add_extension(x509.CRLNumber(1), False)
        .sign(root_key, hashes.SHA256())
    )


def response(issued):
    builder = ocsp.OCSPResponseBuilder().responder_id(ocsp.OCSPResponderEncoding.HASH, root).certificates([root])
    builder = builder.add_response(leaf, root, hashes.SHA1(), ocsp.OCSPCertStatus.GOOD, issued, END, None, None)
    return builder.sign(root_key, hashes.SHA256())


def run(*command):
    ended = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return ended.returncode, ended.stdout + ended.stderr


def openssl_crl(name):
    code, talk = run("openssl", "verify", "-crl_check", "-CAfile", "root.pem", "-CRLfile", f"{name}.crl", "leaf.pem")
    assert code == 0 or "CRL is not yet valid" in talk, talk
    return code == 0


def openssl_ocsp(name):
    _, talk = run("openssl", "ocsp", "-issuer", "root.pem", "-cert", "leaf.pem", "-respin", f"{name}.ocsp", "-CAfile", "root.pem")
    return "leaf.pem: good" in talk and "Response verify OK" in talk


def ssl_crl(name):
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    server.load_cert_chain("leaf.pem", "key.pem")
    client.load_verify_locations("root.pem")
    client.load_verify_locations(f"{name}.crl")
    client.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [client.wrap_bio(back, there, server_hostname="www.example.com"), server.wrap_bio(there, back, server_side=True)]
    for end in ends * 2:
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLCertVerificationError as error:
            assert error.verify_message == "CRL is not yet valid", error
            return False
    return True


def openssl_4_crl(name):
    with open(f"{name}.crl", "rb") as file:
        crl = x509.load_pem_x509_crl(file.read())
    store = crypto.X509Store()
    store.add_cert(crypto.X509.from_cryptography(root))
    store.add_crl(crl)
    store.set_flags(crypto.X509StoreFlags.CRL_CHECK)
    try:
        crypto.X509StoreContext(store, crypto.X509.from_cryptography(leaf)).verify_certificate()
    except crypto.X509StoreContextError as error:
        assert "CRL is not yet valid" in str(error), error
        return False
    return True


def java_crl(name):
    return run("java", "Verify", f"{name}.crl")[0] == 0


def java_ocsp(name):
    return run("java", "Verify", f"{name}.ocsp")[0] == 0


def gnutls_crl(name):
    files = ["--load-ca-certificate", "root.pem", "--load-crl", f"{name}.crl", "--infile", "leaf.pem"]
    return "Chain verification output: Verified" in run("certtool", "--verify", *files)[1]


def gnutls_ocsp(name):
    files = ["--load-response", f"{name}.ocsp", "--load-trust", "root.pem", "--load-issuer", "root.pem"]
    return "Verifying OCSP Response: Success" in run("ocsptool", "--verify-response", *files)[1]


def nss_crl(name):
    database = ["-d", f"sql:nss-{name}"]
    os.mkdir(f"nss-{name}")
    run("certutil", "-N", *database, "--empty-password")
    run("certutil", "-A", *database, "-n", "root", "-t", "C,,", "-i", "root.pem")
    run("certutil", "-A", *database, "-n", "leaf", "-t", ",,", "-i", "leaf.pem")
    imported = run("crlutil", "-I", *database, "-i", f"{name}.der")[0]
    return imported == 0 and run("certutil", "-V", "-e", "-u", "V", *database, "-n", "leaf")[0] == 0


def pyhanko_validates(rule, **found):
    policy = CertRevTrustPolicy(RevocationCheckingPolicy(rule, RevocationCheckingRule.NO_CHECK))
    subject, trusted = (asn1.Certificate.load(each.public_bytes(Encoding.DER)) for each in (leaf, root))
    context = pyhanko.ValidationContext(trust_roots=[trusted], allow_fetching=False, revinfo_policy=policy, **found)
    try:
        asyncio.run(pyhanko.CertificateValidator(subject, validation_context=context).async_validate_usage({"digital_signature"}))
    except pyhanko.errors.ValidationError as error:
        assert "too recent" in str(error), error
        return False
    return True


def pyhanko_crl(name):
    with open(f"{name}.der", "rb") as file:
        return pyhanko_validates(RevocationCheckingRule.CRL_REQUIRED, crls=[file.read()])


def pyhanko_ocsp(name):
    with open(f"{name}.ocsp", "rb") as file:
        return pyhanko_validates(RevocationCheckingRule.OCSP_REQUIRED, ocsps=[file.read()])


PROGRAMS = {  # by CRL and by OCSP, and whether what is 240 s ahead is taken
    "openssl": ((openssl_crl, False), (openssl_ocsp, True)),
    "Python's ssl": ((ssl_crl, False), None),
    "OpenSSL 4": ((openssl_4_crl, False), None),
    "pyhanko": ((pyhanko_crl, False), (pyhanko_ocsp, False)),
    "java": ((java_crl, True), (java_ocsp, True)),
    "gnutls": ((gnutls_crl, True), (gnutls_ocsp, True)),
    "nss": ((nss_crl, True), None),
}
root, leaf = certificate(ROOT, root_key.public_key()), certificate(LEAF, key.public_key())
contents = {
    "root.pem": root.public_bytes(Encoding.PEM),
    "leaf.pem": leaf.public_bytes(Encoding.PEM),
    "key.pem": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
}
now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
for name, ahead in (("behind", -60), ("ahead", 240)):
    issued = now + datetime.timedelta(seconds=ahead)
    crl = revocation_list(issued)
    contents |= {f"{name}.crl": crl.public_bytes(Encoding.PEM), f"{name}.der": crl.public_bytes(Encoding.DER)}
    contents[f"{name}.ocsp"] = response(issued).public_bytes(Encoding.DER)
for file, content in contents.items():
    with open(file, "wb") as out:
        out.write(content)
print(f"thisUpdate   {'CRL: 60 s ago':14} {'240 s ahead':12} {'OCSP: 60 s ago':15} 240 s ahead")
same = True
for program, ways in PROGRAMS.items():
    words = []
    for way in ways:
        answers = [way[0]("ahead"), way[0]("behind")] if way else [None, None]
        same &= answers == ([way[1], True] if way else [None, None])
        words += [{True: "taken", False: "refused", None: "-"}[each] for each in reversed(answers)]
    print(f"{program:12} {words[0]:14} {words[1]:12} {words[2]:15} {words[3]}")
sys.exit(0 if same else 1)
PYTHON
venv/bin/python clocks.py || { echo "the behaviour has changed" >&2; exit 1; }
