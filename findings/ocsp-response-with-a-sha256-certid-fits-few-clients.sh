#!/usr/bin/env bash
# openssl, nginx, curl, Java and NSS find no status in a valid OCSP response whose CertID was made with SHA-256.
#
# Versions: openssl 3.0.19 (ocsp), nginx 1.22.1 (stapling), curl 7.88.1 (--cert-status), OpenJDK 17.0.15, NSS 3.87.1 (vfychain),
#   GnuTLS 3.7.9 (ocsptool --ask), pyhanko-certvalidator 0.33.0 (with requests 2.34.2); cryptography 50.0.2 makes the responses.
# Behaviour: a stored response is given to whatever request. Responder, signature (SHA-256), times and status are the same,
#   only the hash of the issuer's name and key in the CertID is another. Every client here asks with SHA-1 by default.
#   openssl then says "Response verify OK" and "No Status found", nginx "certificate status not found in the OCSP
#   response", curl "Could not find certificate ID in OCSP response", Java "does not include a response for a certificate
#   supplied", vfychain "Peer's Certificate has been revoked". ocsptool and pyhanko-certvalidator hash the issuer by what the
#   response says.
# Why a good guess misses: SHA-1 is off the list of allowed hashes, so a responder that makes its responses in advance is set
#   to SHA-256; builders take the hash as an argument without a warning, and each check of signature and times succeeds. A
#   responder that answers live repeats the hash of the request and never meets this. NSS's words are those of a revocation.
# Who is right: both. RFC 6960, section 4.1.1, lets the hash be any, and section 3.2 asks that the certificate, not the
#   CertID, corresponds to the request; RFC 5019, section 2.1.1, binds clients of stored responses to SHA-1. The hash only
#   identifies the issuer; nothing is signed by it.
# Instead: make stored and stapled responses with SHA-1 in the CertID, and for requests with another hash a second one.
# Needs: openssl, nginx, curl, ocsptool (gnutls-bin), certutil and vfychain (libnss3-tools), java (a JDK), python3 with venv.
#
# Output seen:
#           CertID SHA-1  CertID SHA-256
#   openssl good          no status
#   nginx   good          no status
#   curl    good          no status
#   java    good          no status
#   nss     good          no status
#   gnutls  good          good
#   pyhanko good          good
#   asked with: sha1
set -euo pipefail
for need in openssl:openssl nginx:nginx curl:curl ocsptool:gnutls-bin certutil:libnss3-tools vfychain:libnss3-tools \
  javac:default-jdk-headless; do
  command -v "${need%:*}" > /dev/null || { echo "${need%:*} is not there; install the package ${need#*:}" >&2; exit 2; }
done
export LC_ALL=C
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q cryptography==50.0.2 pyhanko-certvalidator==0.33.0 requests==2.34.2
cat > Verify.java <<'JAVA'
import java.io.FileInputStream;
import java.security.cert.*;
import java.util.*;

public class Verify {
    public static void main(String[] files) throws Exception {
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        TrustAnchor root = new TrustAnchor((X509Certificate) factory.generateCertificate(new FileInputStream(files[1])), null);
        PKIXParameters parameters = new PKIXParameters(Set.of(root));
        CertPathValidator validator = CertPathValidator.getInstance("PKIX");
        PKIXRevocationChecker checker = (PKIXRevocationChecker) validator.getRevocationChecker();
        checker.setOptions(EnumSet.of(PKIXRevocationChecker.Option.NO_FALLBACK));
        parameters.addCertPathChecker(checker);
        Certificate leaf = factory.generateCertificate(new FileInputStream(files[0]));
        try {
            validator.validate(factory.generateCertPath(List.of(leaf)), parameters);
        } catch (CertPathValidatorException error) {
            System.out.println(error.getMessage());
            System.exit(1);
        }
    }
}
JAVA
javac Verify.java
cat > certids.py <<'PYTHON'
import asyncio
import base64
import datetime
import http.server
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.parse

import pyhanko_certvalidator as pyhanko
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID
from pyhanko_certvalidator.fetchers.requests_fetchers import RequestsFetcherBackend
from pyhanko_certvalidator.policy_decl import CertRevTrustPolicy, RevocationCheckingPolicy, RevocationCheckingRule

START = datetime.datetime.now(datetime.UTC).replace(microsecond=0) - datetime.timedelta(hours=1)
END = START + datetime.timedelta(days=2)
ROOT = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "root")])
root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
asked = set()


def certificate(subject, public, address=None):
    authority = subject == ROOT
    usage = x509.KeyUsage(not authority, False, False, False, False, authority, authority, False, False)
    builder = (
        x509.CertificateBuilder(ROOT, subject, public, x509.random_serial_number(), START, END)
        .add_extension(x509.BasicConstraints(authority, None), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), False)
        .add_extension(usage, True)
    )
    if address:
        access = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(address))
        builder = builder.add_extension(x509.AuthorityInformationAccess([access]), False)
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
    return builder.sign(root_key, hashes.SHA256())


def response(leaf, hash_of_certid):
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    builder = ocsp.OCSPResponseBuilder().responder_id(ocsp.OCSPResponderEncoding.HASH, root).certificates([root])
    builder = builder.add_response(leaf, root, hash_of_certid, ocsp.OCSPCertStatus.GOOD, now, END, None, None)
    return builder.sign(root_key, hashes.SHA256()).public_bytes(Encoding.DER)


class Stored(http.server.BaseHTTPRequestHandler):
    """Answers with what is stored below the path, whatever the hash of the request."""

    def do_GET(self):
        self.send(base64.b64decode(urllib.parse.unquote(self.path.split("/", 2)[2])))

    def do_POST(self):
        self.send(self.rfile.read(int(self.headers["Content-Length"])))

    def send(self, request):
        asked.add(ocsp.load_der_ocsp_request(request).hash_algorithm.name)
        with open(f"{self.path.split('/')[1]}/response.der", "rb") as file:
            content = file.read()
        self.send_response(200)
        self.send_header("Content-Type", "application/ocsp-response")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


def run(*command):
    ended = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120)
    return ended.stdout + ended.stderr


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def by_openssl(folder):
    files = ["-issuer", "root.pem", "-cert", f"{folder}/leaf.pem", "-CAfile", "root.pem"]
    talk = run("openssl", "ocsp", *files, "-url", f"{address}/{folder}")
    assert "Response verify OK" in talk and ("leaf.pem: good" in talk or "No Status found" in talk), talk
    return "leaf.pem: good" in talk


def by_nginx(folder):
    port, here = free_port(), f"{os.getcwd()}/{folder}"
    with open(f"{folder}/nginx.conf", "w") as file:
        temporary = " ".join(f"{each}_temp_path {here}/{each};" for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        file.write(
            f"daemon off; pid {here}/pid; error_log {here}/error.log info; events {{}}\n"
            f"http {{ access_log off; {temporary} server {{ listen 127.0.0.1:{port} ssl; ssl_stapling on;\n"
            f"ssl_certificate {here}/chain.pem; ssl_certificate_key {os.getcwd()}/key.pem; }} }}\n"
        )
    server = subprocess.Popen(["nginx", "-c", f"{here}/nginx.conf"], stderr=subprocess.DEVNULL)
    try:
        for _ in range(60):  # the first handshake makes nginx ask, a later one has the response
            talk = run("openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "localhost", "-status")
            with open(f"{folder}/error.log") as file:
                failed = "certificate status not found in the OCSP response" in file.read()
            if failed or "OCSP Response Status: successful" in talk:
                return not failed
            time.sleep(0.5)
    finally:
        server.terminate()
        server.wait()


def by_curl(folder):
    port = free_port()
    serve = ["openssl", "s_server", "-quiet", "-accept", f"127.0.0.1:{port}", "-www", "-status_file", f"{folder}/response.der"]
    files = ["-cert", f"{folder}/leaf.pem", "-key", "key.pem", "-cert_chain", "root.pem"]
    server = subprocess.Popen([*serve, *files], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(60):
            talk = run("curl", "-sS", "--cert-status", "--cacert", "root.pem", "-o", "/dev/null", f"https://localhost:{port}/")
            if "connect" not in talk:
                assert not talk or "Could not find certificate ID in OCSP response" in talk, talk
                return not talk
            time.sleep(0.5)
    finally:
        server.terminate()
        server.wait()


def by_java(folder):
    talk = run("java", "Verify", f"{folder}/leaf.pem", "root.pem")
    assert not talk or "does not include a response for a certificate supplied" in talk, talk
    return not talk


def by_nss(folder):
    database = ["-d", f"sql:{folder}/nss"]
    os.mkdir(f"{folder}/nss")
    run("certutil", "-N", *database, "--empty-password")
    run("certutil", "-A", *database, "-n", "root", "-t", "C,,", "-i", "root.pem")
    check = ["-u", "1", "-g", "leaf", "-h", "requireFreshInfo", "-m", "ocsp", "-s", "failIfNoInfo"]
    talk = run("vfychain", *database, "-pp", *check, "-a", f"{folder}/leaf.pem")
    assert "Chain is good!" in talk or "has been revoked" in talk, talk
    return "Chain is good!" in talk


def by_gnutls(folder):
    files = ["--load-cert", f"{folder}/leaf.pem", "--load-issuer", "root.pem", "--load-trust", "root.pem"]
    return "Verifying OCSP Response: Success" in run("ocsptool", "--ask", *files)


async def validate(leaf):
    policy = CertRevTrustPolicy(RevocationCheckingPolicy(RevocationCheckingRule.OCSP_REQUIRED, RevocationCheckingRule.NO_CHECK))
    trusted = [asn1.Certificate.load(root.public_bytes(Encoding.DER))]
    fetchers = RequestsFetcherBackend().get_fetchers()
    context = pyhanko.ValidationContext(trust_roots=trusted, allow_fetching=True, revinfo_policy=policy, fetchers=fetchers)
    await pyhanko.CertificateValidator(leaf, validation_context=context).async_validate_usage({"digital_signature"})


def by_pyhanko(folder):
    try:
        asyncio.run(validate(asn1.Certificate.load(leaves[folder].public_bytes(Encoding.DER))))
    except pyhanko.errors.ValidationError:
        return False
    return True


PROGRAMS = {  # whether a status is found in the response with SHA-256
    "openssl": (by_openssl, False),
    "nginx": (by_nginx, False),
    "curl": (by_curl, False),
    "java": (by_java, False),
    "nss": (by_nss, False),
    "gnutls": (by_gnutls, True),
    "pyhanko": (by_pyhanko, True),
}
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stored)
threading.Thread(target=server.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{server.server_port}"
root = certificate(ROOT, root_key.public_key())
for file, content in (
    ("root.pem", root.public_bytes(Encoding.PEM)),
    ("key.pem", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())),
):
    with open(file, "wb") as out:
        out.write(content)
leaves = {}
for folder, hash_of_certid in (("sha1", hashes.SHA1()), ("sha256", hashes.SHA256())):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "leaf")])
    leaf = leaves[folder] = certificate(name, key.public_key(), f"{address}/{folder}")
    os.mkdir(folder)
    for file, content in (
        ("leaf.pem", leaf.public_bytes(Encoding.PEM)),
        ("chain.pem", leaf.public_bytes(Encoding.PEM) + root.public_bytes(Encoding.PEM)),
        ("response.der", response(leaf, hash_of_certid)),
    ):
        with open(f"{folder}/{file}", "wb") as out:
            out.write(content)
print("        CertID SHA-1  CertID SHA-256")
same = True
for program, (verify, expected) in PROGRAMS.items():
    answers = [verify(folder) for folder in leaves]
    same &= answers == [True, expected]
    first, second = ("good" if each else "no status" for each in answers)
    print(f"{program:7} {first:13} {second}")
print(f"asked with: {', '.join(sorted(asked))}")
sys.exit(0 if same and asked == {"sha1"} else 1)
PYTHON
venv/bin/python certids.py || { echo "the behaviour has changed" >&2; exit 1; }
