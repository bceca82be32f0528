#!/usr/bin/env bash
# Of two OCSP addresses in a certificate nginx, GnuTLS and Java ask only the first, and NSS only the last.
#
# Versions: nginx 1.22.1 (stapling), GnuTLS 3.7.9 (ocsptool --ask), OpenJDK 17.0.15, NSS 3.87.1 (vfychain),
#   pyhanko-certvalidator 0.33.0 (with requests 2.34.2); cryptography 50.0.2 makes everything.
# Behaviour: the leaf has two OCSP addresses and two CRL distribution points; one of each is up, at the other nothing listens.
#   With the first one down nginx staples nothing, and ocsptool and Java have no status. With the last one down NSS has none;
#   it never asks the first one at all. Only pyhanko-certvalidator goes on to the next. Of the distribution points Java asks
#   the first alone, too; NSS and pyhanko-certvalidator try each.
# Why a good guess misses: the extension is a list, each tool prints both entries, and as long as both are up
#   nothing differs; that a program stops at the first is thought of sooner than that one begins at the last. So a second
#   address does not raise availability: either of the two being down stops some clients, which is worse than one
#   address, and a must-staple certificate is left without a staple in nginx by the first.
# Who is right: all. RFC 5280, section 4.2.2.1, lets a method stand several times, and no section asks a client to try each.
# Instead: one address, made available by DNS or a load balancer; move to another host by serving the old name as long as
#   certificates with it are valid, not by a second entry.
# Needs: openssl, nginx, ocsptool (gnutls-bin), certutil and vfychain (libnss3-tools), java (a JDK), python3 with venv.
#
# Output seen:
#                first one down  last one down
#   OCSP nginx   no status       good
#   OCSP gnutls  no status       good
#   OCSP java    no status       good
#   OCSP nss     good            no status
#   OCSP pyhanko good            good
#   CRL  java    no status       good
#   CRL  nss     good            good
#   CRL  pyhanko good            good
set -euo pipefail
for need in openssl:openssl nginx:nginx ocsptool:gnutls-bin certutil:libnss3-tools vfychain:libnss3-tools \
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
    public static void main(String[] folderAndKind) throws Exception {
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        List<Certificate> path = new ArrayList<>(factory.generateCertificates(new FileInputStream(folderAndKind[0] + "/chain.pem")));
        TrustAnchor root = new TrustAnchor((X509Certificate) path.remove(path.size() - 1), null);
        PKIXParameters parameters = new PKIXParameters(Set.of(root));
        CertPathValidator validator = CertPathValidator.getInstance("PKIX");
        PKIXRevocationChecker checker = (PKIXRevocationChecker) validator.getRevocationChecker();
        Set<PKIXRevocationChecker.Option> options = EnumSet.of(PKIXRevocationChecker.Option.NO_FALLBACK);
        if (folderAndKind[1].equals("CRL")) options.add(PKIXRevocationChecker.Option.PREFER_CRLS);
        checker.setOptions(options);
        parameters.addCertPathChecker(checker);
        validator.validate(factory.generateCertPath(path), parameters);
    }
}
JAVA
javac Verify.java
cat > addresses.py <<'PYTHON'
import asyncio
import base64
import datetime
import http.server
import logging
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

NOW = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
START, END = NOW - datetime.timedelta(hours=1), NOW + datetime.timedelta(days=2)
ROOT = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "root")])
root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
asked = []
logging.disable()  # pyhanko tells each address that failed


def certificate(subject, public, ocsp_addresses=(), crl_addresses=()):
    authority = subject == ROOT
    usage = x509.KeyUsage(not authority, False, False, False, False, authority, authority, False, False)
    builder = (
        x509.CertificateBuilder(ROOT, subject, public, x509.random_serial_number(), START, END)
        .add_extension(x509.BasicConstraints(authority, None), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), False)
        .add_extension(usage, True)
    )
    if authority:
        return builder.sign(root_key, hashes.SHA256())
    method = AuthorityInformationAccessOID.OCSP
    access = [x509.AccessDescription(method, x509.UniformResourceIdentifier(each)) for each in ocsp_addresses]
    points = [x509.DistributionPoint([x509.UniformResourceIdentifier(each)], None, None, None) for each in crl_addresses]
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("www.example.com")]), False)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
    builder = builder.add_extension(x509.AuthorityInformationAccess(access), False)
    return builder.add_extension(x509.CRLDistributionPoints(points), False).sign(root_key, hashes.SHA256())


def response(request):
    serial = ocsp.load_der_ocsp_request(request).serial_number
    (leaf,) = (each for each in leaves.values() if each.serial_number == serial)
    builder = ocsp.OCSPResponseBuilder().responder_id(ocsp.OCSPResponderEncoding.HASH, root).certificates([root])
    issued = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    builder = builder.add_response(leaf, root, hashes.SHA1(), ocsp.OCSPCertStatus.GOOD, issued, END, None, None)  # as clients ask
    return builder.sign(root_key, hashes.SHA256()).public_bytes(Encoding.DER)


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/crl":
            return self.send(crl)
        self.send(response(base64.b64decode(urllib.parse.unquote(self.path.removeprefix("/ocsp/")))))

    def do_POST(self):
        self.send(response(self.rfile.read(int(self.headers["Content-Length"]))))

    def send(self, content):
        asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "application/pkix-crl" if content is crl else "application/ocsp-response")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120)


def by_nginx(folder, kind):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = f"{os.getcwd()}/{folder}/error.log"
    with open(f"{folder}/nginx.conf", "w") as file:
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = " ".join(f"{each}_temp_path {os.getcwd()}/{folder}/{each};" for each in kinds)
        file.write(
            f"daemon off; pid {os.getcwd()}/{folder}/pid; error_log {log} info; events {{}}\n"
            f"http {{ access_log off; {temporary} server {{ listen 127.0.0.1:{port} ssl; ssl_stapling on;\n"
            f"ssl_certificate {os.getcwd()}/{folder}/chain.pem; ssl_certificate_key {os.getcwd()}/key.pem; }} }}\n"
        )
    server = subprocess.Popen(["nginx", "-c", f"{os.getcwd()}/{folder}/nginx.conf"], stderr=subprocess.DEVNULL)
    try:
        for _ in range(60):  # the first handshake makes nginx ask, a later one has the response
            talk = run("openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "www.example.com", "-status").stdout
            with open(log) as file:
                failed = "OCSP responder" in file.read()
            if failed or "OCSP Response Status: successful" in talk:
                return not failed
            time.sleep(0.5)
    finally:
        server.terminate()
        server.wait()


def by_gnutls(folder, kind):
    files = ["--load-cert", f"{folder}/leaf.pem", "--load-issuer", "root.pem", "--load-trust", "root.pem"]
    return "Verifying OCSP Response: Success" in run("ocsptool", "--ask", *files).stdout


def by_java(folder, kind):
    return run("java", "Verify", folder, kind).returncode == 0


def by_nss(folder, kind):
    database = ["-d", f"sql:{folder}/nss-{kind}"]
    os.mkdir(f"{folder}/nss-{kind}")
    run("certutil", "-N", *database, "--empty-password")
    run("certutil", "-A", *database, "-n", "root", "-t", "C,,", "-i", "root.pem")
    check = ["-u", "1", "-g", "leaf", "-h", "requireFreshInfo", "-m", kind.lower(), "-s", "failIfNoInfo"]
    ended = run("vfychain", *database, "-pp", *check, "-a", f"{folder}/leaf.pem")
    return "Chain is good!" in ended.stdout + ended.stderr


async def validate(leaf, kind):
    rule = RevocationCheckingRule.OCSP_REQUIRED if kind == "OCSP" else RevocationCheckingRule.CRL_REQUIRED
    policy = CertRevTrustPolicy(RevocationCheckingPolicy(rule, RevocationCheckingRule.NO_CHECK))
    trusted = [asn1.Certificate.load(root.public_bytes(Encoding.DER))]
    fetchers = RequestsFetcherBackend().get_fetchers()
    context = pyhanko.ValidationContext(trust_roots=trusted, allow_fetching=True, revinfo_policy=policy, fetchers=fetchers)
    await pyhanko.CertificateValidator(leaf, validation_context=context).async_validate_usage({"digital_signature"})


def by_pyhanko(folder, kind):
    try:
        asyncio.run(validate(asn1.Certificate.load(leaves[folder].public_bytes(Encoding.DER)), kind))
    except pyhanko.errors.ValidationError:
        return False
    return True


PROGRAMS = {  # whether a status is had with the first address down, and with the last one down
    ("OCSP", "nginx"): (by_nginx, False, True),
    ("OCSP", "gnutls"): (by_gnutls, False, True),
    ("OCSP", "java"): (by_java, False, True),
    ("OCSP", "nss"): (by_nss, True, False),
    ("OCSP", "pyhanko"): (by_pyhanko, True, True),
    ("CRL", "java"): (by_java, False, True),
    ("CRL", "nss"): (by_nss, True, True),
    ("CRL", "pyhanko"): (by_pyhanko, True, True),
}
root = certificate(ROOT, root_key.public_key())
crl = (
    x509.CertificateRevocationListBuilder(ROOT, START, END)
    .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), False)
    .add_extension(x509.CRLNumber(1), False)
    .sign(root_key, hashes.SHA256())
    .public_bytes(Encoding.DER)
)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
threading.Thread(target=server.serve_forever, daemon=True).start()
deaf = socket.socket()
deaf.bind(("127.0.0.1", 0))  # taken, and does not listen
up, down = (f"http://127.0.0.1:{port}" for port in (server.server_port, deaf.getsockname()[1]))
name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "leaf")])
leaves = {
    "first-down": certificate(name, key.public_key(), [f"{down}/ocsp", f"{up}/ocsp"], [f"{down}/crl", f"{up}/crl"]),
    "last-down": certificate(name, key.public_key(), [f"{up}/ocsp", f"{down}/ocsp"], [f"{up}/crl", f"{down}/crl"]),
}
with open("root.pem", "wb") as file:
    file.write(root.public_bytes(Encoding.PEM))
with open("key.pem", "wb") as file:
    file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
for folder, leaf in leaves.items():
    os.mkdir(folder)
    for file, chain in (("leaf", [leaf]), ("chain", [leaf, root])):
        with open(f"{folder}/{file}.pem", "wb") as out:
            out.write(b"".join(each.public_bytes(Encoding.PEM) for each in chain))
print(f"{'':12} {'first one down':15} last one down")
same = True
for (kind, program), (verify, *expected) in PROGRAMS.items():
    answers = []
    for folder in leaves:
        asked.clear()
        answers.append(verify(folder, kind))
        same &= answers[-1] is bool(asked)
    print(f"{f'{kind:4} {program}':12} {'good' if answers[0] else 'no status':15} {'good' if answers[1] else 'no status'}")
    same &= answers == expected
sys.exit(0 if same else 1)
PYTHON
venv/bin/python addresses.py || { echo "the behaviour has changed" >&2; exit 1; }
