#!/usr/bin/env bash
# kombu compares the name of a RabbitMQ server on localhost with 127.0.0.1, and that of a second server with the first's.
#
# Versions: celery 5.7.0, kombu 5.7.0, amqp 5.4.2; cryptography 50.0.2; Python's ssl.
# Behaviour: py-amqp compares the name in a server's certificate only with the `server_hostname` that it is given. kombu
#   documents None for it, which it replaces by the host of the URL; but before that it has replaced localhost by
#   127.0.0.1, so a certificate for localhost is refused. It writes the name into the settings it was given; in a URL with
#   several servers, which kombu tries in turn, the name of the first one stays there and refuses the second.
# Why a good guess misses: the same certificate and URL work with py-amqp itself, with `openssl s_client`, and with
#   rediss://localhost; and a list of servers works until the first of them is away, which is when it is needed.
# Who is right: RFC 9525, section 6.1, compares the name that the user has given.
# Instead: give `server_hostname` yourself, from the URL; name one server, or one name that stands for all.
# Needs: python3 with venv.
#
# Output seen:
#   certificate for localhost and 127.0.0.2
#   py-amqp, localhost, its name given:     verified
#   kombu, localhost, None:                 refused, not valid for '127.0.0.1'
#   kombu, localhost, its name given:       verified
#   kombu, 127.0.0.2, None:                 verified
#   kombu, 127.0.0.3 (away), 127.0.0.2, None: refused, not valid for '127.0.0.3'
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q celery==5.7.0 kombu==5.7.0 amqp==5.4.2 cryptography==50.0.2
cat > names.py <<'PYTHON'
import datetime as dt
import ipaddress
import re
import socket
import ssl
import threading

import amqp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from kombu import Connection

key = ec.generate_private_key(ec.SECP256R1())
name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "server")])
now = dt.datetime.now(dt.UTC)
names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.2"))]
builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - dt.timedelta(hours=1))
builder = builder.not_valid_after(now + dt.timedelta(days=1))
builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
with open("server.pem", "wb") as file:
    file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    file.write(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("server.pem")
listening = socket.create_server(("", 0))
port = listening.getsockname()[1]


def serve():
    """Finish the handshake, and say that this server speaks another protocol."""
    while True:
        raw, _ = listening.accept()
        try:
            with context.wrap_socket(raw, server_side=True) as connection:
                connection.recv(8)
                connection.sendall(b"AMQP\x00\x00\x09\x01")
        except OSError:
            raw.close()


threading.Thread(target=serve, daemon=True).start()


def outcome(connect):
    """What became of the handshake; the rest of the protocol is never spoken."""
    try:
        connect()
    except ssl.SSLCertVerificationError as error:
        return "refused, " + re.search(r"not valid for '[^']*'", str(error))[0]
    except Exception:
        return "verified"
    raise SystemExit("there is no AMQP server, and yet something connected")


def tls(server_hostname):
    return {"ca_certs": "server.pem", "cert_reqs": ssl.CERT_REQUIRED, "server_hostname": server_hostname}


def direct():
    amqp.Connection(f"localhost:{port}", ssl=tls("localhost"), connect_timeout=5).connect()


def by_kombu(url, server_hostname=None):
    def connect():
        with Connection(url, ssl=tls(server_hostname), connect_timeout=5) as connection:
            connection.ensure_connection(max_retries=3, interval_start=0, interval_step=0, reraise_as_library_errors=False)

    return connect


local, second, away = (f"amqps://x:y@{host}:{at}//" for host, at in (("localhost", port), ("127.0.0.2", port), ("127.0.0.3", 1)))
print("certificate for localhost and 127.0.0.2")
print("py-amqp, localhost, its name given:    ", outcome(direct))
print("kombu, localhost, None:                ", outcome(by_kombu(local)))
print("kombu, localhost, its name given:      ", outcome(by_kombu(local, "localhost")))
print("kombu, 127.0.0.2, None:                ", outcome(by_kombu(second)))
print("kombu, 127.0.0.3 (away), 127.0.0.2, None:", outcome(by_kombu(f"{away};{second}")))
PYTHON
venv/bin/python names.py | tee output
diff output - <<'EXPECTED'
certificate for localhost and 127.0.0.2
py-amqp, localhost, its name given:     verified
kombu, localhost, None:                 refused, not valid for '127.0.0.1'
kombu, localhost, its name given:       verified
kombu, 127.0.0.2, None:                 verified
kombu, 127.0.0.3 (away), 127.0.0.2, None: refused, not valid for '127.0.0.3'
EXPECTED
