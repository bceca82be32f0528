#!/usr/bin/env bash
# A certificate with 1,300 names verifies everywhere, and no Java client can connect to its server; 4,000 stop OpenSSL's.
#
# Versions: cryptography 50.0.2 (makes it); openssl 3.0.19 (s_client; Python's ssl, Node and curl have the bound of the
#   same library), GnuTLS 3.7.9 (gnutls-cli), OpenJDK 17.0.15, NSS 3.87.1 (tstclnt).
# Behaviour: the Certificate message of TLS is bounded by each client: Java 32,768 octets
#   (jdk.tls.maxHandshakeMessageSize), OpenSSL 102,400 (SSL_CTX_set_max_cert_list), GnuTLS
#   (gnutls_handshake_set_max_packet_length) and NSS about 128 KB. The bound is on leaf and chain together.
# Why a good guess misses: issuing, `openssl verify` and the server's start are all fine. It only shows in a handshake, at a
#   number of names that depends on the client, as "excessive message size", "maximum allowed size" or, by NSS, "malformed
#   Handshake record", and without a word of the certificate.
# Who is right: RFC 8446, section 4.4.2 (RFC 5246, section 7.4.2), allows 2^24-1 octets, and RFC 5280 gives subjectAltName
#   no bound; a client may guard its memory. So it is for the CA not to use what is allowed.
# Instead: bound the names of a certificate for TLS (100, as public CAs have it, are 4 KB), and count the chain: with
#   ML-DSA-87 or SLH-DSA in it much less is left of Java's 32 KB.
# Needs: openssl, gnutls-cli (gnutls-bin), tstclnt and certutil (libnss3-tools), java (a JDK), python3 with venv.
#
# Output seen:
#   names octets openssl verify  java    openssl gnutls  nss
#    1200  31594 OK              connect connect connect connect
#    1300  34194 OK              refuse  connect connect connect
#    3700  96601 OK              refuse  connect connect connect
#    4000 104401 OK              refuse  refuse  connect connect
#    4700 122601 OK              refuse  refuse  connect connect
#    5200 135601 OK              refuse  refuse  refuse  refuse
set -euo pipefail
for need in openssl:openssl gnutls-cli:gnutls-bin tstclnt:libnss3-tools certutil:libnss3-tools javac:default-jdk-headless; do
  command -v "${need%:*}" > /dev/null || { echo "${need%:*} is not there; install the package ${need#*:}" >&2; exit 2; }
done
export LC_ALL=C
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q cryptography==50.0.2
cat > Connect.java <<'JAVA'
import java.io.FileInputStream;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import javax.net.ssl.*;

public class Connect {
    public static void main(String[] port) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        FileInputStream root = new FileInputStream("root.pem");
        store.setCertificateEntry("root", CertificateFactory.getInstance("X.509").generateCertificate(root));
        TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        try (SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket("127.0.0.1", Integer.parseInt(port[0]))) {
            socket.startHandshake();
        }
    }
}
JAVA
javac Connect.java
cat > handshakes.py <<'PYTHON'
import contextlib
import datetime
import socket
import ssl
import subprocess
import sys
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

START = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
ROOT = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "root")])
root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())


def certificate(subject, public, names=()):
    authority = not names
    usage = x509.KeyUsage(not authority, False, False, False, False, authority, authority, False, False)
    builder = (
        x509.CertificateBuilder(ROOT, subject, public, x509.random_serial_number())
        .not_valid_before(START)
        .not_valid_after(START + datetime.timedelta(days=2))
        .add_extension(x509.BasicConstraints(authority, None), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), False)
        .add_extension(usage, True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), False)
    return builder.sign(root_key, hashes.SHA256())


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120)


def answer(context, connection):
    with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as secure:
        secure.recv(1)  # until the client goes


def serve(listener, context):
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=answer, args=(context, connection), daemon=True).start()


def openssl(port):
    return run("openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", "localhost", "-CAfile", "root.pem", "-brief")


CLIENTS = {  # how each connects, and what it says if it refuses
    "java": (lambda port: run("java", "Connect", str(port)), "exceeds the maximum allowed size"),
    "openssl": (openssl, "excessive message size"),
    "gnutls": (
        lambda port: run("gnutls-cli", "--x509cafile", "root.pem", "--verify-hostname", "localhost", "-p", str(port), "127.0.0.1"),
        "handshake data size is too large",
    ),
    "nss": (
        lambda port: run("tstclnt", "-4", "-h", "localhost", "-p", str(port), "-d", "sql:nss", "-Q", "-V", "tls1.2:tls1.3"),
        "SSL_ERROR_RX_MALFORMED_HANDSHAKE",
    ),
}
CASES = {
    1200: "connect connect connect connect",
    1300: "refuse connect connect connect",
    3700: "refuse connect connect connect",
    4000: "refuse refuse connect connect",
    4700: "refuse refuse connect connect",
    5200: "refuse refuse refuse refuse",
}
root = certificate(ROOT, root_key.public_key())
with open("root.pem", "wb") as file:
    file.write(root.public_bytes(Encoding.PEM))
with open("key.pem", "wb") as file:
    file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
run("mkdir", "nss")
run("certutil", "-N", "-d", "sql:nss", "--empty-password")
run("certutil", "-A", "-d", "sql:nss", "-n", "root", "-t", "C,,", "-i", "root.pem")
same = True
print("names octets openssl verify  " + " ".join(f"{name:7}" for name in CLIENTS).rstrip())
for count, expected in CASES.items():
    names = ["localhost", *(f"host-{number:05}.a.example.com" for number in range(count - 1))]
    leaf = certificate(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "leaf")]), key.public_key(), names)
    with open("leaf.pem", "wb") as file:
        file.write(leaf.public_bytes(Encoding.PEM))
    verified = "OK" if run("openssl", "verify", "-x509_strict", "-CAfile", "root.pem", "leaf.pem").returncode == 0 else "refused"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("leaf.pem", "key.pem")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener, context), daemon=True).start()
        answers = []
        for connect, words in CLIENTS.values():
            ended = connect(listener.getsockname()[1])
            talk = ended.stdout + ended.stderr
            told = words in talk
            assert told is (ended.returncode != 0), talk
            answers.append("refuse" if told else "connect")
    size = len(leaf.public_bytes(Encoding.DER))
    print(f"{count:5} {size:6} {verified:15} " + " ".join(f"{each:7}" for each in answers).rstrip())
    same &= verified == "OK" and " ".join(answers) == expected
sys.exit(0 if same else 1)
PYTHON
venv/bin/python handshakes.py || { echo "the behaviour has changed" >&2; exit 1; }
