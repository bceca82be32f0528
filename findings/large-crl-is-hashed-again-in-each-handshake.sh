#!/usr/bin/env bash
# A server with a CRL of a million entries pays for it in each handshake: OpenSSL verifies the CRL's signature every time.
#
# Versions: Python's ssl with OpenSSL 3.0.19 (nginx, curl and Node check CRLs by the same library), pyOpenSSL 26.4.0 with
#   OpenSSL 4.0.3; cryptography 50.0.2 makes the CRL.
# Behaviour: a CRL is loaded once and kept parsed, but each check of a certificate checks the CRL again, signature
#   included, so its whole TBSCertList is hashed: 39 MB for a million entries. The time of a handshake grows with
#   the CRL, by what SHA-256 needs for that many octets. The first one also sorts the entries, in every process of a server.
# Why a good guess misses: loading, which takes a second, looks like the price, and looking up a serial number in a
#   sorted list costs next to nothing. With small CRLs nothing shows; with a large one the server has idle memory and busy
#   processors, and each client that connects costs as much as seventy used to.
# Who is right: RFC 5280, section 6.3.3, letter g, asks for the signature to be validated; to remember that it was is
#   left to the program. A verified CRL in a store that nobody changes would not need it again.
# Instead: keep CRLs small for servers: partitions by issuing distribution point (RFC 5280, section 5.2.5), short-lived client
#   certificates, expired ones taken off; or resume sessions, which check no certificate; or ask by OCSP.
# Needs: python3 with venv.
#
# Output seen (milliseconds of processor time; they differ):
#   OpenSSL 3.0.19 (ssl), OpenSSL 4.0.3 (pyOpenSSL)
#   entries   octets SHA-256  handshake: first   later  verify_certificate: first   later
#         1      121     0.0               3.8     1.2                        0.2     0.1
#     10000   390088     0.3               2.0     1.3                        1.0     0.4
#    100000  3900088     4.2              15.0     5.2                       17.7     3.0
#   1000000 39000090    40.5             391.7    92.3                      269.7    59.2
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q cryptography==50.0.2 pyOpenSSL==26.4.0
cat > handshakes.py <<'PYTHON'
import datetime
import hashlib
import ssl
import sys
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from OpenSSL import SSL, crypto

NOW = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
START, END = NOW - datetime.timedelta(hours=1), NOW + datetime.timedelta(days=2)
ROOT = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "root")])
root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())


def certificate(subject, public):
    authority = subject == ROOT
    usage = x509.KeyUsage(not authority, False, False, False, False, authority, authority, False, False)
    builder = (
        x509.CertificateBuilder(ROOT, subject, public, x509.random_serial_number(), START, END)
        .add_extension(x509.BasicConstraints(authority, None), True)
        .add_extension(usage, True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("www.example.com")]), False)
    )
    return builder.sign(root_key, hashes.SHA256())


def revocations(count):
    """A CRL of `count` entries, none of them the leaf's, with serial numbers of 20 octets."""
    entries = [
        x509.RevokedCertificateBuilder((1 << 158) + 7919 * number, START).build() for number in range(count)
    ]
    builder = x509.CertificateRevocationListBuilder(ROOT, START, END, [], entries).add_extension(x509.CRLNumber(1), False)
    return builder.sign(root_key, hashes.SHA256())


def spent(work):
    """Milliseconds of processor time."""
    start = time.process_time()
    work()
    return 1000 * (time.process_time() - start)


def handshake(client, server):
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [client.wrap_bio(back, there, server_hostname="www.example.com"), server.wrap_bio(there, back, server_side=True)]
    waiting = list(ends)
    while waiting:
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            if end in waiting:
                waiting.remove(end)


def by_ssl(file):
    """The times of five handshakes whose client checks the server's certificate against the CRL in a file."""
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    server.load_cert_chain("leaf.pem", "key.pem")
    client.load_verify_locations("root.pem")
    client.load_verify_locations(file)
    client.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    return [spent(lambda: handshake(client, server)) for _ in range(5)]


def by_openssl_4(crl):
    store = crypto.X509Store()
    store.add_cert(crypto.X509.from_cryptography(root))
    store.add_crl(crl)
    store.set_flags(crypto.X509StoreFlags.CRL_CHECK)
    subject = crypto.X509.from_cryptography(leaf)
    return [spent(crypto.X509StoreContext(store, subject).verify_certificate) for _ in range(5)]


root = certificate(ROOT, root_key.public_key())
leaf = certificate(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "leaf")]), key.public_key())
for file, each in (("root.pem", root), ("leaf.pem", leaf)):
    with open(file, "wb") as out:
        out.write(each.public_bytes(Encoding.PEM))
with open("key.pem", "wb") as out:
    out.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
print(f"{ssl.OPENSSL_VERSION[:14].rstrip()} (ssl), {SSL.OpenSSL_version(SSL.OPENSSL_VERSION).decode()[:13]} (pyOpenSSL)")
print("entries   octets SHA-256  handshake: first   later  verify_certificate: first   later")
later = {}
for count in (1, 10_000, 100_000, 1_000_000):
    crl = revocations(count)
    with open("crl.pem", "wb") as out:
        out.write(crl.public_bytes(Encoding.PEM))
    der = crl.tbs_certlist_bytes
    first, *others = by_ssl("crl.pem")
    first_4, *others_4 = by_openssl_4(crl)
    later[count] = (min(others), min(others_4), spent(lambda: hashlib.sha256(der).digest()), first, first_4)
    print(
        f"{count:7} {len(der):8} {later[count][2]:7.1f} {first:17.1f} {later[count][0]:7.1f} {first_4:26.1f} {later[count][1]:7.1f}"
    )
small, large = later[1], later[1_000_000]
grown = all(large[each] > 10 * small[each] and large[each] > 0.5 * large[2] for each in (0, 1))
sorts = large[3] > 1.5 * large[0] and large[4] > 1.5 * large[1]
sys.exit(0 if grown and sorts else 1)
PYTHON
venv/bin/python handshakes.py || { echo "the behaviour has changed" >&2; exit 1; }
