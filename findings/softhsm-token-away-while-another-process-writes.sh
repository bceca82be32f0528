#!/usr/bin/env bash
# A SoftHSM token is not there for a process that initialises the module while another process writes to the token.
#
# Versions: SoftHSM 2.6.1 (Debian's libsofthsm2 2.6.1-2.1), python-pkcs11 0.10.1.
# Behaviour: the module reads the folder of tokens in C_Initialize, and only there. A token whose token.object is being
#   rewritten at that moment (each login and each new object does so) is left out of C_GetSlotList, or its
#   C_GetTokenInfo answers CKR_GENERAL_ERROR. It nearly always stays so for this process however often it looks again:
#   C_Finalize and C_Initialize bring the token back, a moment later (at once is often too early).
# Why a good guess misses: the files have locks, every single operation waits for them, and a token that "is not there"
#   reads as a wrong label or an unplugged device; a retry of the lookup, the usual cure, hardly ever helps.
# Needs: Debian's apt-get and dpkg (nothing is installed), python3 with venv.
#
# Output seen (numbers differ):
#   initialised 1785 times beside 3 writers: token away or unreadable 77 times
#   of these, there again after 20 more looks at the slots: 0
#   of these, there again after C_Finalize and C_Initialize: 77
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq libsofthsm2=2.6.1-2.1 softhsm2=2.6.1-2.1 > /dev/null 2>&1
for package in ./*.deb; do dpkg -x "$package" parts; done
python3 -m venv venv
venv/bin/pip install -q python-pkcs11==0.10.1
mkdir tokens
printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n' "$folder" > softhsm2.conf
export SOFTHSM2_CONF="$folder/softhsm2.conf"
library=$(echo "$folder"/parts/usr/lib/softhsm/libsofthsm2.so)

cat > meet.py <<'PYTHON'
import subprocess
import sys
import time

import pkcs11

LIBRARY, ROLE = sys.argv[1:3]
LABEL, PIN, SECONDS, WRITERS = "shared", "1234", 40, 3


def labels(library):
    try:
        return [token.label for token in library.get_tokens()]
    except pkcs11.PKCS11Error:
        return []


def write():
    library = pkcs11.lib(LIBRARY)
    end = time.monotonic() + SECONDS + 20
    while time.monotonic() < end:
        try:
            with library.get_token(token_label=LABEL).open(rw=True, user_pin=PIN) as session:
                session.create_object(
                    {
                        pkcs11.Attribute.CLASS: pkcs11.ObjectClass.DATA,
                        pkcs11.Attribute.TOKEN: True,
                        pkcs11.Attribute.VALUE: b"x",
                    }
                ).destroy()
        except (pkcs11.PKCS11Error, StopIteration):
            library.reinitialize()


def read():
    writers = [subprocess.Popen([sys.executable, __file__, LIBRARY, "write"]) for _ in range(WRITERS)]
    library = pkcs11.lib(LIBRARY)
    end = time.monotonic() + SECONDS
    times = away = looked_again = initialised_again = 0
    while time.monotonic() < end:
        library.reinitialize()
        times += 1
        if LABEL in labels(library):
            continue
        away += 1
        for _ in range(20):
            time.sleep(0.01)
            if LABEL in labels(library):
                looked_again += 1
                break
        for _ in range(40):
            time.sleep(0.05)
            library.reinitialize()
            if LABEL in labels(library):
                initialised_again += 1
                break
    for writer in writers:
        writer.kill()
        writer.wait()
    print(f"initialised {times} times beside {WRITERS} writers: token away or unreadable {away} times")
    print(f"of these, there again after 20 more looks at the slots: {looked_again}")
    print(f"of these, there again after C_Finalize and C_Initialize: {initialised_again}")
    sys.exit(0 if away and looked_again * 5 < away and initialised_again == away else 1)


write() if ROLE == "write" else read()
PYTHON

parts/usr/bin/softhsm2-util --module "$library" --init-token --free --label shared --pin 1234 --so-pin 5678 > /dev/null
venv/bin/python meet.py "$library" read || { echo "the behaviour has changed" >&2; exit 1; }
