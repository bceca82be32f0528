"""What is no key that can be read is named, with what to do; a password is blamed only where it may be to blame."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from anchorhold import pkcs8
from anchorhold.errors import CertificateInvalidError, KeyInvalidError, KeyUnsupportedError, SecretWrongError
from anchorhold.secret import Secret
from anchorhold.x509.certificates import load_certificates

if TYPE_CHECKING:
    from anchorhold.errors import AnchorholdError

KEY = ec.generate_private_key(ec.SECP256R1())
RIGHT = Secret("right")
OTHERS = {
    "JKS": (b"\xfe\xed\xfe\xed\0\0\0\2", "Java keystore .JKS.*keytool"),
    "JCEKS": (b"\xce\xce\xce\xce\0\0\0\2", "Java keystore .JCEKS.*keytool"),
    "PVK": (b"\x1e\xf1\xb5\xb0\0\0\0\0", "PVK format.*openssl pkey"),
    "PuTTY": (b"PuTTY-User-Key-File-3: ssh-ed25519\n", "PuTTY format"),
    "public SSH": (b"ssh-ed25519 AAAA me@example.com\n", "public key in OpenSSH format"),
    "ZIP": (b"PK\x03\x04\x14\0", "ZIP archive.*unpack"),
    "JSON": (b'{"kty": "EC"}', "JSON"),
    "web page": (b"<!DOCTYPE html>\n<html>", "web page"),
}


def pem_with(encryption: BestAvailableEncryption | NoEncryption, form: PrivateFormat) -> bytes:
    """The key in PEM."""
    return KEY.private_bytes(Encoding.PEM, form, encryption)


@pytest.mark.parametrize("form", OTHERS)
def test_a_file_of_another_program_is_named_with_what_to_do(form: str) -> None:
    data, told = OTHERS[form]
    with pytest.raises(KeyInvalidError, match=told):
        pkcs8.load_private_key(data, RIGHT, "key")
    with pytest.raises(CertificateInvalidError, match=told.split(r".*", maxsplit=1)[0]):
        load_certificates(data)


def test_a_key_in_the_form_of_openssh_is_named_encrypted_or_not() -> None:
    for encryption in (NoEncryption(), BestAvailableEncryption(b"right")):
        with pytest.raises(KeyInvalidError, match=r"in OpenSSH format.*ssh-keygen"):
            pkcs8.load_private_key(pem_with(encryption, PrivateFormat.OpenSSH), RIGHT, "key")


def test_a_public_key_is_named_without_what_a_library_says() -> None:
    public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(KeyInvalidError) as raised:
        pkcs8.load_private_key(public, None, "key")
    assert raised.value.problem == "key: is a public key, not a private key"


@pytest.mark.parametrize("password", [None, b"right"])
def test_a_key_without_its_last_line_is_cut_short_in_every_form(password: bytes | None) -> None:
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    for form in (PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL):
        cut = b"".join(pem_with(encryption, form).splitlines(keepends=True)[:-1])
        with pytest.raises(KeyInvalidError, match=r"cut short.*last line is missing"):
            pkcs8.load_private_key(cut, RIGHT, "key")


def test_where_a_password_cannot_be_told_from_damage_both_are_said() -> None:
    pem = pem_with(BestAvailableEncryption(b"right"), PrivateFormat.TraditionalOpenSSL)
    refusals = [refusal(pem, Secret(f"wrong {number}")) for number in range(16)]
    usual = [error for error in refusals if isinstance(error, SecretWrongError)]
    assert len(usual) > 12, "the filling fits by chance in one of 256"
    assert all("the password is wrong, or the key is damaged" in str(error) for error in usual)
    by_chance = [error for error in refusals if error not in usual]
    assert all("decrypted with this password, or cannot be read afterwards" in str(error) for error in by_chance)


def test_a_cipher_that_is_not_read_is_no_wrong_password() -> None:
    pem = pem_with(BestAvailableEncryption(b"right"), PrivateFormat.TraditionalOpenSSL)
    named = pem.replace(b"AES-256-CBC", b"CAMELLIA-256-CBC")
    with pytest.raises(KeyUnsupportedError, match="uses an unsupported encryption") as raised:
        pkcs8.load_private_key(named, RIGHT, "key")
    assert "password is wrong" not in told_by(raised.value)


def test_a_key_in_bare_base64_is_read() -> None:
    der = KEY.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    assert pkcs8.load_private_key(base64.encodebytes(der), None, "key").public_key() == KEY.public_key()


def refusal(pem: bytes, password: Secret) -> AnchorholdError:
    """How a key is refused."""
    with pytest.raises((SecretWrongError, KeyInvalidError)) as raised:
        pkcs8.load_private_key(pem, password, "key")
    return raised.value


def told_by(error: AnchorholdError) -> str:
    """All that an error says."""
    return str(error)
