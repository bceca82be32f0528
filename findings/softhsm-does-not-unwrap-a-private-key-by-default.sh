#!/usr/bin/env bash
# A private key that python-pkcs11 has wrapped in SoftHSM does not unwrap there again, unless three attributes are left out.
#
# Versions: SoftHSM 2.6.1, python-pkcs11 0.10.1.
# Behaviour: `wrap_key` works on RSA and EC private keys with AES_KEY_WRAP_PAD. `unwrap_key` of what it gave raises
#   AttributeTypeInvalid, with no word of which attribute, also with `capabilities=MechanismFlag.SIGN`: the library puts
#   each usage attribute into the template, true or false, whatever the class of the object, and SoftHSM refuses ENCRYPT,
#   VERIFY and WRAP in a private key. Taken out one by one the error stays the same; all three set to DEFAULT, which leaves
#   them out, the key comes back and signs. It comes back with CKA_SENSITIVE false where it was true, unless the template
#   says so. A wrapped AES key unwraps with the defaults.
# Why a good guess misses: generating private keys with the same library's defaults works, a test of
#   unwrapping with a secret key works, and the first half, the wrapped backup, is made without a complaint. That it
#   cannot be restored shows on the day it is needed.
# Who is right: SoftHSM. PKCS#11 2.40, section 4.9, gives private keys CKA_DECRYPT, CKA_SIGN, CKA_UNWRAP and
#   CKA_DERIVE; ENCRYPT, VERIFY and WRAP belong to public and secret keys (4.8, 4.10). C_UnwrapKey (5.13) may answer
#   CKR_ATTRIBUTE_TYPE_INVALID.
# Instead: set ENCRYPT, VERIFY, WRAP to DEFAULT and SENSITIVE, PRIVATE, EXTRACTABLE to what is wanted; unwrap each backup
#   once when it is made, and sign with what comes out.
# Needs: softhsm2-util (softhsm2), python3 with venv.
#
# Output seen:
#   EC  private key, defaults:               AttributeTypeInvalid
#   EC  private key, capabilities SIGN only: AttributeTypeInvalid
#   EC  private key, ENCRYPT left out:       AttributeTypeInvalid
#   EC  private key, VERIFY left out:        AttributeTypeInvalid
#   EC  private key, WRAP left out:          AttributeTypeInvalid
#   EC  private key, all three left out:     signs; SENSITIVE was True, is False
#   EC  private key, and SENSITIVE set:      signs; SENSITIVE was True, is True
#   (the same seven lines for RSA)
#   AES secret key, defaults:                unwrapped
set -euo pipefail
command -v softhsm2-util > /dev/null || { echo "softhsm2-util is not there; install the package softhsm2" >&2; exit 2; }
library=$(ls /usr/lib/softhsm/libsofthsm2.so /usr/lib/*/softhsm/libsofthsm2.so 2> /dev/null | head -n 1 || true)
[ -n "$library" ] || { echo "libsofthsm2.so is not there; install the package libsofthsm2" >&2; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q python-pkcs11==0.10.1
mkdir tokens
printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n' "$folder" > softhsm2.conf
export SOFTHSM2_CONF="$folder/softhsm2.conf"
softhsm2-util --module "$library" --init-token --free --label backup --pin 1234 --so-pin 5678 > /dev/null
cat > unwrap.py <<'PYTHON'
import sys

import pkcs11
from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag, ObjectClass
from pkcs11._pkcs11 import DEFAULT
from pkcs11.util.ec import encode_named_curve_parameters

WRAP = Mechanism.AES_KEY_WRAP_PAD
NOT_FOR_PRIVATE_KEYS = (Attribute.ENCRYPT, Attribute.VERIFY, Attribute.WRAP)
WITHOUT = dict.fromkeys(NOT_FOR_PRIVATE_KEYS, DEFAULT)
WAYS = {
    "defaults": {},
    "capabilities SIGN only": {"capabilities": MechanismFlag.SIGN},
    "ENCRYPT left out": {"template": {Attribute.ENCRYPT: DEFAULT}},
    "VERIFY left out": {"template": {Attribute.VERIFY: DEFAULT}},
    "WRAP left out": {"template": {Attribute.WRAP: DEFAULT}},
    "all three left out": {"template": WITHOUT},
    "and SENSITIVE set": {"template": WITHOUT | {Attribute.SENSITIVE: True}},
}
REFUSED = "AttributeTypeInvalid"
EXPECTED = [REFUSED] * 5 + ["signs; SENSITIVE was True, is False", "signs; SENSITIVE was True, is True"]


def outcome(wrapping, wrapped, pair, kind, sign, arguments):
    public, private = pair
    try:
        key = wrapping.unwrap_key(ObjectClass.PRIVATE_KEY, kind, wrapped, mechanism=WRAP, **arguments)
    except pkcs11.PKCS11Error as error:
        return type(error).__name__
    data = bytes(range(32))
    works = "signs" if public.verify(data, key.sign(data, mechanism=sign), mechanism=sign) else "signs wrongly"
    return f"{works}; SENSITIVE was {private[Attribute.SENSITIVE]}, is {key[Attribute.SENSITIVE]}"


same = True
with pkcs11.lib(sys.argv[1]).get_token(token_label="backup").open(rw=True, user_pin="1234") as session:
    wrapping = session.generate_key(KeyType.AES, 256, capabilities=MechanismFlag.WRAP | MechanismFlag.UNWRAP)
    template = {Attribute.EXTRACTABLE: True, Attribute.SENSITIVE: True}
    curve = {Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
    ec = session.create_domain_parameters(KeyType.EC, curve, local=True).generate_keypair(private_template=template)
    rsa = session.generate_keypair(KeyType.RSA, 2048, private_template=template)
    for kind, pair, sign in ((KeyType.EC, ec, Mechanism.ECDSA), (KeyType.RSA, rsa, Mechanism.RSA_PKCS)):
        wrapped = wrapping.wrap_key(pair[1], mechanism=WRAP)
        seen = []
        for way, arguments in WAYS.items():
            seen.append(outcome(wrapping, wrapped, pair, kind, sign, arguments))
            print(f"{kind.name:3} private key, {way + ':':23} {seen[-1]}")
        same &= seen == EXPECTED
    secret = session.generate_key(KeyType.AES, 256, template={Attribute.EXTRACTABLE: True})
    wrapped = wrapping.wrap_key(secret, mechanism=WRAP)
    wrapping.unwrap_key(ObjectClass.SECRET_KEY, KeyType.AES, wrapped, mechanism=WRAP)
    print(f"AES secret key, {'defaults:':24} unwrapped")
sys.exit(0 if same else 1)
PYTHON
venv/bin/python unwrap.py "$library" || { echo "the behaviour has changed" >&2; exit 1; }
