#!/usr/bin/env bash
# `keytool -genkeypair` into a PKCS#11 token makes the private key in Java and imports it, unless the provider is named.
#
# Versions: OpenJDK 17.0.15 (keytool, SunPKCS11); SoftHSM 2.6.1; python-pkcs11 0.10.1 (reads the attributes).
# Behaviour: with `-keystore NONE -storetype PKCS11 -addprovider SunPKCS11 -providerArg ...` the key pair comes from the
#   first provider that knows RSA or EC, which is one of Java's own, in memory; storing the entry then puts the private
#   key into the token: CKA_LOCAL and CKA_NEVER_EXTRACTABLE are false, as C_CreateObject leaves them. With `-providerName`
#   of the token beside it the token makes the key: both are true. CKA_SENSITIVE is false either way, and the label empty.
# Why a good guess misses: the command names the token and takes its PIN, prints the same line in both forms, key
#   and certificate lie in the token, and signing works. `-providerName` reads as another way to say what `-addprovider` has
#   said. Only attributes show where a key was made, and no attribute set afterwards can make up for it.
# Who is right: no standard is broken; the manual says no more than "Provider name" of the option. PKCS#11 2.40, sections
#   4.7 (CKA_LOCAL) and 4.9 (CKA_NEVER_EXTRACTABLE), gives the attributes that tell such keys from those a token has
#   made. A policy that demands keys made in the HSM is not met by the first form.
# Instead: name the provider (`SunPKCS11-` and the name in the configuration), or make the key with the token's own tool and
#   import the certificate; set CKA_SENSITIVE in the configuration's `attributes(generate, CKO_PRIVATE_KEY, *)`; read
#   CKA_LOCAL back before the key signs anything.
# Needs: keytool (a Java runtime), softhsm2-util (softhsm2), python3 with venv.
#
# Output seen:
#   RSA, provider added:            LOCAL False, NEVER_EXTRACTABLE False, SENSITIVE False
#   RSA, provider added and named:  LOCAL True, NEVER_EXTRACTABLE True, SENSITIVE False
#   RSA, and attributes configured: LOCAL True, NEVER_EXTRACTABLE True, SENSITIVE True
#   EC, provider added:             LOCAL False, NEVER_EXTRACTABLE False, SENSITIVE False
#   EC, provider added and named:   LOCAL True, NEVER_EXTRACTABLE True, SENSITIVE False
#   EC, and attributes configured:  LOCAL True, NEVER_EXTRACTABLE True, SENSITIVE True
set -euo pipefail
for need in keytool:default-jre-headless softhsm2-util:softhsm2; do
  command -v "${need%:*}" > /dev/null || { echo "${need%:*} is not there; install the package ${need#*:}" >&2; exit 2; }
done
module=$(find /usr/lib -name libsofthsm2.so 2> /dev/null | head -n 1)
export LC_ALL=C
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q python-pkcs11==0.10.1
mkdir tokens
export SOFTHSM2_CONF="$folder/softhsm2.conf"
printf 'directories.tokendir = %s/tokens\nlog.level = ERROR\n' "$folder" > "$SOFTHSM2_CONF"
softhsm2-util --init-token --free --label token --so-pin 1234 --pin 1234 > /dev/null
printf 'name = Token\nlibrary = %s\nslotListIndex = 0\n' "$module" > plain.cfg
cp plain.cfg attributes.cfg
cat >> attributes.cfg <<'CFG'
attributes(generate, CKO_PRIVATE_KEY, *) = {
  CKA_SENSITIVE = true
  CKA_EXTRACTABLE = false
}
CFG
make() { # alias, kind of key, configuration, further options
  local alias=$1 kind=$2 configuration=$3
  shift 3
  keytool -genkeypair -alias "$alias" -keyalg "$kind" -dname "CN=$alias" -keystore NONE -storetype PKCS11 -storepass 1234 \
    -addprovider SunPKCS11 -providerArg "$configuration" "$@" 2> /dev/null
}
for kind in RSA EC; do
  make "$kind-added" "$kind" plain.cfg
  make "$kind-named" "$kind" plain.cfg -providerName SunPKCS11-Token
  make "$kind-configured" "$kind" attributes.cfg -providerName SunPKCS11-Token
done
cat > attributes.py <<'PYTHON'
import sys

import pkcs11
from pkcs11 import Attribute, ObjectClass

FORMS = {  # LOCAL, NEVER_EXTRACTABLE, SENSITIVE
    "added": ("provider added:", [False, False, False]),
    "named": ("provider added and named:", [True, True, False]),
    "configured": ("and attributes configured:", [True, True, True]),
}
NAMES = ("LOCAL", "NEVER_EXTRACTABLE", "SENSITIVE")
token = pkcs11.lib(sys.argv[1]).get_token(token_label="token")
same = True
with token.open(user_pin="1234") as session:
    for kind in ("RSA", "EC"):
        for form, (words, expected) in FORMS.items():
            wanted = {Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.ID: f"{kind}-{form}".encode()}
            (key,) = list(session.get_objects(wanted))
            seen = [key[Attribute[name]] for name in NAMES]
            listed = ", ".join(f"{name} {value}" for name, value in zip(NAMES, seen, strict=True))
            print(f"{f'{kind}, {words}':31} {listed}")
            same &= seen == expected and key.label == ""
sys.exit(0 if same else 1)
PYTHON
venv/bin/python attributes.py "$module" || { echo "the behaviour has changed" >&2; exit 1; }
