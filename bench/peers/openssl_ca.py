"""The peer openssl: ``openssl ca`` keeps an index of what it signed, ``openssl x509 -req`` does not."""

from dataclasses import dataclass
from pathlib import Path

from bench.command import Command, run
from bench.folders import fresh_folder
from bench.openssl import HOST, check_certificate, openssl

CONFIGURATION = f"""\
[ca]
default_ca = bench

[bench]
database = index.txt
new_certs_dir = issued
certificate = authority.pem
private_key = authority.key
rand_serial = yes
unique_subject = no
default_md = sha512
default_days = 100
policy = policy
x509_extensions = webserver

[policy]
commonName = supplied

[webserver]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature, keyEncipherment, keyAgreement
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:{HOST}
"""
"""The settings of django-ca's default profile, so that all sides make the same certificate."""


@dataclass(frozen=True)
class OpensslCa:
    """A folder with an authority for openssl: its key, its certificate, its configuration and its index."""

    folder: Path

    def ca(self, request: Path) -> Command:
        """Return the ``openssl ca`` command that signs the request."""
        output = self.folder / "ca.pem"
        files = ("-in", str(request), "-out", str(output))
        return openssl(self.folder, "ca", "-batch", "-notext", "-config", "ca.cnf", *files, output=output)

    def x509(self, request: Path) -> Command:
        """Return the ``openssl x509 -req`` command that signs the request.

        It takes longer than ``openssl ca``, for it reads the system's trusted certificates first.
        """
        output = self.folder / "x509.pem"
        authority = ("-CA", "authority.pem", "-CAkey", "authority.key", "-sha512", "-days", "100")
        extensions = ("-extfile", "ca.cnf", "-extensions", "webserver")
        files = ("-in", str(request), "-out", str(output))
        return openssl(self.folder, "x509", "-req", *authority, *extensions, *files, output=output)


def prepare(cache: Path, request: Path) -> OpensslCa:
    """Make an EC P-256 authority in a fresh folder, and check that both commands sign."""
    peer = OpensslCa(fresh_folder(cache / "openssl"))
    (peer.folder / "issued").mkdir()
    (peer.folder / "index.txt").touch()
    (peer.folder / "ca.cnf").write_text(CONFIGURATION)
    key_options = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "authority.key")
    certificate = ("-subj", "/CN=Bench", "-days", "3650", "-out", "authority.pem")
    run(openssl(peer.folder, "req", "-x509", *key_options, *certificate))
    for command in (peer.ca(request), peer.x509(request)):
        run(command)
        if command.output is not None:
            check_certificate(command.output, trusted=peer.folder / "authority.pem")
    return peer
