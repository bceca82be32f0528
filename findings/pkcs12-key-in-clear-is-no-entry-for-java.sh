#!/usr/bin/env bash
# A PKCS#12 whose private key is not encrypted is an empty key store for Java, without an error.
#
# Versions: cryptography 50.0.2 (`NoEncryption()`); openssl 3.0.19 (`-keypbe NONE`); OpenJDK 17.0.15 (keytool);
#   GnuTLS 3.7.9 (certtool).
# Behaviour: Java reads private keys from pkcs8ShroudedKeyBag only. A keyBag is passed over, and with it the certificate,
#   for which Java has no key: "Your keystore contains 0 entries", exit code 0. The password of the MAC is checked and
#   right. openssl and GnuTLS read the key.
# Why a good guess misses: the file opens, its MAC fits, and there is no message; so the certificate, the alias or the
#   password are suspected. That certificates in clear are no trouble (`-certpbe NONE`) points away from the key, too.
# Who is right: the writers. RFC 7292, section 4.2.1, defines the keyBag beside the pkcs8ShroudedKeyBag of 4.2.2.
# Instead: always shroud the key, under a password that may be public where it protects nothing; leave the certificates
#   in clear if a reader wants that.
# Needs: openssl, certtool (gnutls-bin), keytool (a Java runtime), python3 with venv.
#
# Output seen:
#   cryptography NoEncryption():                  java 0 entries, exit code 0; certtool 1 key
#   openssl -keypbe NONE -certpbe NONE:           java 0 entries, exit code 0; certtool 1 key
#   openssl -keypbe NONE, certificates encrypted: java 0 entries, exit code 0; certtool 1 key
#   openssl -certpbe NONE, key encrypted:         java 1 entries, exit code 0; certtool 1 key
set -euo pipefail
for need in openssl:openssl certtool:gnutls-bin keytool:default-jre-headless; do
  command -v "${need%:*}" > /dev/null || { echo "${need%:*} is not there; install the package ${need#*:}" >&2; exit 2; }
done
export LC_ALL=C
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q cryptography==50.0.2
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -subj "/CN=leaf" 2> openssl.log
venv/bin/python -W ignore - <<'PYTHON'
from cryptography import x509
from cryptography.hazmat.primitives.serialization import NoEncryption, load_pem_private_key, pkcs12

key = load_pem_private_key(open("key.pem", "rb").read(), None)
certificate = x509.load_pem_x509_certificate(open("cert.pem", "rb").read())
with open("none.p12", "wb") as file:
    file.write(pkcs12.serialize_key_and_certificates(b"leaf", key, certificate, None, NoEncryption()))
PYTHON
export_with() { openssl pkcs12 -export -inkey key.pem -in cert.pem -name leaf -passout pass:secret -out "$@"; }
export_with clear.p12 -keypbe NONE -certpbe NONE
export_with key-clear.p12 -keypbe NONE
export_with certificate-clear.p12 -certpbe NONE

changed=0
tell() { # what, file, password, number of entries Java is to see
  local code=0 entries keys
  keytool -list -storetype PKCS12 -keystore "$2" -storepass "$3" > keytool.txt 2>&1 < /dev/null || code=$?
  entries=$(sed -n 's/^Your keystore contains \([0-9]*\) entr.*/\1/p' keytool.txt)
  keys=$(certtool --p12-info --inder --infile "$2" --password "$3" 2> certtool.log | grep -c "BEGIN.*PRIVATE KEY" || true)
  printf '%-45s java %s entries, exit code %s; certtool %s key\n' "$1:" "$entries" "$code" "$keys"
  [ "$entries" = "$4" ] && [ "$code" = 0 ] && [ "$keys" = 1 ] || changed=1
}
tell "cryptography NoEncryption()" none.p12 "" 0
tell "openssl -keypbe NONE -certpbe NONE" clear.p12 secret 0
tell "openssl -keypbe NONE, certificates encrypted" key-clear.p12 secret 0
tell "openssl -certpbe NONE, key encrypted" certificate-clear.p12 secret 1
[ $changed = 0 ] || { echo "the behaviour has changed" >&2; exit 1; }
