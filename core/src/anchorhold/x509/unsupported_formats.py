"""Files of other programs, told by how they begin: what they are, and what makes a form of them that is read."""

from __future__ import annotations

from typing import Final, NamedTuple


class UnsupportedFormat(NamedTuple):
    """A form that is not read.

    Attributes:
        kind: What it is, in words.
        advice: How to make something of it that is read.
    """

    kind: str
    advice: str


_KEYTOOL: Final = "convert it to PKCS#12 with `keytool -importkeystore -deststoretype pkcs12`"
_SSH_KEY: Final = "write it as PKCS#8 with `ssh-keygen -p -m PKCS8 -f` and a copy of it"
_PUTTY: Final = "write it as PKCS#8 with PuTTYgen and `ssh-keygen -p -m PKCS8`"
_OPENSSL: Final = "write it as PKCS#8 with `openssl pkey`"
_SSH_PUBLIC: Final = "SSH key formats are not supported"
_UNPACK: Final = "unpack it first"
_OTHERS: Final = (
    (b"\xfe\xed\xfe\xed", UnsupportedFormat("a Java keystore (JKS)", _KEYTOOL)),
    (b"\xce\xce\xce\xce", UnsupportedFormat("a Java keystore (JCEKS)", _KEYTOOL)),
    (b"\x1e\xf1\xb5\xb0", UnsupportedFormat("a private key in Microsoft's PVK format", _OPENSSL)),
    (b"\x07\x02\0\0", UnsupportedFormat("a private key in Microsoft's MSBLOB format", _OPENSSL)),
    (b"\x06\x02\0\0", UnsupportedFormat("a public key in Microsoft's MSBLOB format", "give a file of the right kind")),
    (b"-----BEGIN OPENSSH PRIVATE KEY-----", UnsupportedFormat("a private key in OpenSSH format", _SSH_KEY)),
    (b"PuTTY-User-Key-File-", UnsupportedFormat("a private key in PuTTY format", _PUTTY)),
    (b"---- BEGIN SSH2 ", UnsupportedFormat("a key in SSH format (RFC 4716)", _SSH_PUBLIC)),
    (b"ssh-", UnsupportedFormat("a public key in OpenSSH format", _SSH_PUBLIC)),
    (b"ecdsa-sha2-", UnsupportedFormat("a public key in OpenSSH format", _SSH_PUBLIC)),
    (b"sk-ssh-", UnsupportedFormat("a public key in OpenSSH format", _SSH_PUBLIC)),
    (b"-----BEGIN PGP ", UnsupportedFormat("OpenPGP data", "OpenPGP is not supported")),
    (b"PK\x03\x04", UnsupportedFormat("a ZIP archive", _UNPACK)),
    (b"\x1f\x8b", UnsupportedFormat("a file packed with gzip", _UNPACK)),
    (b"{", UnsupportedFormat("JSON", "take what is needed out of it, as PEM or DER")),
    (b"<", UnsupportedFormat("a web page or XML", "fetch the file again, as PEM or DER")),
)


def recognise_format(data: bytes) -> UnsupportedFormat | None:
    """What a file is by how it begins, blanks aside; None if that says nothing, or if it has other things in PEM."""
    start = data[:256].lstrip()
    found = next(((begin, form) for begin, form in _OTHERS if start.startswith(begin)), None)
    if found is None or (b"-----BEGIN" in data and not found[0].startswith(b"-----BEGIN")):
        return None
    return found[1]
