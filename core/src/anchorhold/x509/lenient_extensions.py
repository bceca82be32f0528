"""Extensions as careless programs encode them, each made DER in the ways they are often not, and read by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cryptography import x509

from anchorhold.parser_errors import guard_parser
from anchorhold.x509.ber import BOOLEAN, OCTET_STRING, SEQUENCE, BerError, Value, read_one, sequence, to_der
from anchorhold.x509.der import tlv

if TYPE_CHECKING:
    from collections.abc import Callable

_REQUEST: Final = tlv(0x06, bytes.fromhex("2a864886f70d01090e"))
_KEY: Final = bytes.fromhex("302a300506032b65700321") + bytes(33)
_ED25519: Final = bytes.fromhex("300506032b6570")
_TRUE: Final = bytes.fromhex("0101ff")


def load_extension(value: Value) -> x509.Extension[Any]:
    """An Extension (RFC 5280, section 4.1); FALSE may be written out, and TRUE be any octet but zero.

    Raises:
        BerError: It cannot be read, with why.
    """
    members = value.members
    if value.tag != SEQUENCE or len(members) not in (2, 3) or members[-1].tag & ~0x20 != OCTET_STRING:
        raise BerError("is not encoded as an extension")
    critical = _boolean(members[1]) if len(members) == 3 else b""
    content = members[-1].octets
    mend = _NORMALISERS.get(members[0].oid.dotted_string)
    if mend is not None:
        content = mend(read_one(content))
    der = sequence(tlv(0x06, members[0].content), critical, tlv(OCTET_STRING, content))
    with guard_parser(BerError):
        return _read_one(der)


def _read_one(extension: bytes) -> x509.Extension[Any]:
    """An extension as cryptography reads it, which it does only in a request; this one is nobody's."""
    attribute = sequence(_REQUEST, tlv(0x31, sequence(extension)))
    info = sequence(b"\x02\x01\x00", sequence(), _KEY, tlv(0xA0, attribute))
    found: x509.Extension[Any]
    (found,) = x509.load_der_x509_csr(sequence(info, _ED25519, b"\x03\x01\x00")).extensions
    return found


def _boolean(value: Value) -> bytes:
    """A BOOLEAN whose default is FALSE, in DER: nothing, or TRUE."""
    if value.tag != BOOLEAN or len(value.content) != 1:
        raise BerError(f"at octet {value.at} is not a boolean")
    return _TRUE if value.content[0] else b""


def _basic_constraints(value: Value) -> bytes:
    return sequence(*(_boolean(each) if each.tag == BOOLEAN else to_der(each) for each in value.members))


_NORMALISERS: Final[dict[str, Callable[[Value], bytes]]] = {
    x509.BasicConstraints.oid.dotted_string: _basic_constraints,
}
