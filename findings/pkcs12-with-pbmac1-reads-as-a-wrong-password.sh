#!/usr/bin/env bash
# A PKCS#12 with PBMAC1 (RFC 9579) is a wrong password to openssl 3.0 and NSS, and an unknown format to Java and GnuTLS.
#
# Versions: openssl 3.0.19 (openssl 3.4 is the first that writes the form), NSS 3.87.1 (pk12util), OpenJDK 17.0.15 (keytool),
#   GnuTLS 3.7.9 (certtool), cryptography 50.0.2 (which has OpenSSL 4.0.3 inside), asn1crypto 1.5.1.
# Behaviour: the same file, same key, same bags under PBES2; only the MAC is another. openssl 3.0 says "Mac verify error:
#   invalid password?" first, and PBMAC1 only in the line of a failed algorithm look-up behind it; pk12util says
#   SEC_ERROR_BAD_PASSWORD, as for a password that is wrong. keytool names the OID 1.2.840.113549.1.5.14; certtool says
#   "The hash algorithm is unknown". cryptography reads it on any system, as it brings its own OpenSSL.
# Why a good guess misses: the file is good, the password is right, and the tool of one's own system, which made it or has
#   read it, agrees. The user who gets the file is told that the password is wrong and asks for it again.
# Who is right: RFC 9579, section 4, lets MacData carry PBMAC1, for the hash field is an AlgorithmIdentifier (RFC 7292,
#   section 4); readers of before 2024 cannot know it, yet only two of four say so.
# Instead: write the MAC of RFC 7292, appendix B (HMAC with SHA-256), into files for other people's programs; take a
#   "wrong password" of these two for one only after `openssl asn1parse` has shown no PBMAC1.
# Needs: openssl, pk12util and certutil (libnss3-tools), certtool (gnutls-bin), keytool (a Java runtime), python3 with venv.
#
# Output seen:
#   MAC of appendix B   openssl read; nss read; java read; gnutls read; cryptography read
#   wrong password      openssl invalid password?; nss SEC_ERROR_BAD_PASSWORD
#   PBMAC1              openssl invalid password?; nss SEC_ERROR_BAD_PASSWORD; java NoSuchAlgorithmException; gnutls
#                       hash algorithm is unknown; cryptography read   (one line)
set -euo pipefail
for need in openssl:openssl certtool:gnutls-bin pk12util:libnss3-tools certutil:libnss3-tools keytool:default-jre-headless; do
  command -v "${need%:*}" > /dev/null || { echo "${need%:*} is not there; install the package ${need#*:}" >&2; exit 2; }
done
export LC_ALL=C
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q cryptography==50.0.2 asn1crypto==1.5.1
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -subj "/CN=leaf" 2> openssl.log
openssl pkcs12 -export -inkey key.pem -in cert.pem -name leaf -passout pass:secret -macalg sha256 -out plain.p12
cat > pbmac1.py <<'PYTHON'
"""Gives plain.p12 the MAC of RFC 9579 and writes pbmac1.p12."""

import hashlib
import hmac
import os

from asn1crypto import algos, core, pkcs12

ITERATIONS, LENGTH = 10_000, 32


class Pbmac1Parameters(core.Sequence):  # RFC 8018, appendix A.5
    _fields = [("kdf", algos.KdfAlgorithm), ("mac", algos.HmacAlgorithm)]


class MacAlgorithm(core.Sequence):
    _fields = [("algorithm", core.ObjectIdentifier), ("parameters", Pbmac1Parameters)]


class Mac(core.Sequence):
    _fields = [("algorithm", MacAlgorithm), ("digest", core.OctetString)]


class MacData(core.Sequence):  # RFC 9579, section 4: salt and iterations are there, and not used
    _fields = [("mac", Mac), ("salt", core.OctetString), ("iterations", core.Integer)]


class Pfx(core.Sequence):
    _fields = [("version", core.Integer), ("safe", pkcs12.ContentInfo), ("mac", MacData)]


with open("plain.p12", "rb") as file:
    plain = pkcs12.Pfx.load(file.read())
salt, sha256 = os.urandom(16), {"algorithm": "sha256", "parameters": core.Null()}
specified = algos.Pbkdf2Salt("specified", core.OctetString(salt))
kdf = {"salt": specified, "iteration_count": ITERATIONS, "key_length": LENGTH, "prf": sha256}
key = hashlib.pbkdf2_hmac("sha256", b"secret", salt, ITERATIONS, LENGTH)
digest = hmac.digest(key, plain["auth_safe"]["content"].native, "sha256")
parameters = {"kdf": {"algorithm": "pbkdf2", "parameters": kdf}, "mac": sha256}
algorithm = {"algorithm": "1.2.840.113549.1.5.14", "parameters": parameters}
mac = {"mac": {"algorithm": algorithm, "digest": digest}, "salt": b"NOT USED", "iterations": 1}
with open("pbmac1.p12", "wb") as file:
    file.write(Pfx({"version": 3, "safe": plain["auth_safe"], "mac": mac}).dump())
PYTHON
venv/bin/python pbmac1.py
cat > load.py <<'PYTHON'
import sys

from cryptography.hazmat.primitives.serialization import pkcs12

with open(sys.argv[1], "rb") as file:
    pkcs12.load_pkcs12(file.read(), sys.argv[2].encode())
PYTHON

mkdir nss
certutil -N -d sql:nss --empty-password
heard() { # the program's words that decide, or "read"; command after them
  local words=$1 code=0
  shift
  "$@" > talk.txt 2>&1 < /dev/null || code=$?
  grep -o -m 1 "$words" talk.txt || { [ $code = 0 ] && echo read; } || echo "?"
}
by_openssl() { heard "invalid password?" openssl pkcs12 -in "$1" -passin "pass:$2" -noout; }
by_nss() { heard "SEC_ERROR_BAD_PASSWORD" pk12util -i "$1" -d sql:nss -K "" -W "$2"; }
by_java() { heard "NoSuchAlgorithmException" keytool -list -storetype PKCS12 -keystore "$1" -storepass "$2"; }
by_gnutls() { heard "hash algorithm is unknown" certtool --p12-info --inder --infile "$1" --password "$2"; }
by_cryptography() { heard "Invalid password" venv/bin/python -W ignore load.py "$1" "$2"; }

said() { # file, password, programs
  local file=$1 password=$2 program words=()
  shift 2
  for program in "$@"; do words+=("; $program $("by_$program" "$file" "$password")"); done
  printf '%s' "${words[@]}" | cut -c 3-
}
plain=$(said plain.p12 secret openssl nss java gnutls cryptography)
wrong=$(said plain.p12 wrong openssl nss)
pbmac1=$(said pbmac1.p12 secret openssl nss java gnutls cryptography)
echo "MAC of appendix B   $plain"
echo "wrong password      $wrong"
echo "PBMAC1              $pbmac1"
bad="openssl invalid password?; nss SEC_ERROR_BAD_PASSWORD"
[ "$plain" = "openssl read; nss read; java read; gnutls read; cryptography read" ] && [ "$wrong" = "$bad" ] &&
  [ "$pbmac1" = "$bad; java NoSuchAlgorithmException; gnutls hash algorithm is unknown; cryptography read" ] ||
  { echo "the behaviour has changed" >&2; exit 1; }
