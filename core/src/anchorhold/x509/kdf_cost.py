"""How much work a file asks for before its password can be tried; what is absurd is refused, not begun."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from anchorhold.x509.ber import INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, BerError, Value, read

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_ITERATIONS: Final = 10_000_000
"""Of PBKDF2 and its like: some seconds; OWASP asks for 600,000."""
_MAX_SCRYPT_COST: Final = 1 << 24
"""Cost times block size times parallelism: 2 GiB, or that many octets in sequence."""
_PBKDF2: Final = "1.2.840.113549.1.5.12"
_SCRYPT: Final = "1.3.6.1.4.1.11591.4.11"
_OLDER: Final = ("1.2.840.113549.1.12.1.", "1.2.840.113549.1.5.")
"""PKCS#12's own and PBES1: salt and rounds."""
_MAX_VALUES: Final = 20_000
_MAX_DEPTH: Final = 24


def check_kdf_cost(der: bytes) -> None:
    """Look through an encrypted key or a PKCS#12 file.

    Raises:
        BerError: It asks for more rounds than anybody writes.
    """
    for number, value in enumerate(_values(der, _MAX_DEPTH)):
        if number > _MAX_VALUES:
            raise BerError("has more values in it than a key has")
        rounds = _iterations(value)
        if rounds > MAX_ITERATIONS:
            raise BerError(
                f"asks for {min(rounds, 10**30)} rounds of key derivation, but at most {MAX_ITERATIONS} are allowed"
            )


def _values(data: bytes, depth: int) -> Iterator[Value]:
    """All values, also those that octet strings hold; what is none ends its row."""
    while data and depth:
        try:
            value, data = read(data)
        except BerError:
            return
        yield value
        if value.tag & 0x20 or (value.tag == OCTET_STRING and value.content[:1] == b"\x30"):
            yield from _values(value.content, depth - 1)


def _iterations(value: Value) -> int:
    """What an AlgorithmIdentifier, or the MacData of PKCS#12, asks for; else zero."""
    try:
        members = value.members if value.tag == SEQUENCE else ()
        tags = [each.tag for each in members]
        if tags == [SEQUENCE, OCTET_STRING, INTEGER]:  # MacData (RFC 7292, section 4)
            return members[2].integer
        if tags != [OBJECT_IDENTIFIER, SEQUENCE]:
            return 0
        oid = members[0].oid.dotted_string
        numbers = [each.integer for each in members[1].members if each.tag == INTEGER]
    except BerError:
        return 0
    if oid == _SCRYPT and len(numbers) >= 3:
        return MAX_ITERATIONS + 1 if numbers[0] * numbers[1] * numbers[2] > _MAX_SCRYPT_COST else 0
    return numbers[0] if numbers and (oid == _PBKDF2 or oid.startswith(_OLDER)) else 0
