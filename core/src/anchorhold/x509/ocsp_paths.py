"""The usual OCSP requests for a certificate, and under which paths files with the responses are found.

In the path of a GET request stands the request in base64, quoted or not (RFC 6960, appendix A.1). Web servers undo the
quoting, and many take several slashes for one. So the slashes of base64 are folders here, several of them are one, and
those at the end go with the padding. DER begins with its length, hence no two requests share a path.
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from typing import TYPE_CHECKING, Final, NamedTuple

from anchorhold.x509.der import SEQUENCE, tlv
from anchorhold.x509.ocsp import issuer_hashes
from anchorhold.x509.ocsp_requests import CertID
from anchorhold.x509.serials import octets_of

if TYPE_CHECKING:
    from cryptography import x509

SUFFIX: Final = ".ors"
"""Of a file with an OCSP response (RFC 6960, appendix C)."""
LETTERS: Final = "M[A-Za-z0-9+/]*?"
"""Regular expression of a request in a path, without what follows its last letter; a SEQUENCE begins with M."""
_ALGORITHMS: Final = {
    "sha1": bytes.fromhex("300906052b0e03021a0500"),
    "sha256": bytes.fromhex("300d06096086480165030402010500"),
}
"""AlgorithmIdentifiers as clients encode them, with parameters that are NULL."""
_MAX_LETTERS: Final = 240
"""Letters of a request whose response is kept as a file: names of files have 255 octets at most."""
_SLASHES: Final = re.compile("//+")
_INTEGER: Final = 0x02
_OCTETS: Final = 0x04


class UsualRequest(NamedTuple):
    """A request without a nonce or any other extension.

    Attributes:
        cert_id: The certificate, as it names it.
        path: Of the file with the response, below the folder of all.
    """

    cert_id: CertID
    path: str


class UsualRequests:
    """The requests that clients make for certificates of an issuer: with SHA-1 and with SHA-256.

    Args:
        issuer: Certificate of the issuer.
    """

    def __init__(self, issuer: x509.Certificate) -> None:
        self._issuers = [
            (algorithm, name, key, _ALGORITHMS[algorithm] + tlv(_OCTETS, name) + tlv(_OCTETS, key))
            for algorithm, name, key in issuer_hashes(issuer)
            if algorithm in _ALGORITHMS
        ]

    def of(self, serial: int) -> list[UsualRequest]:
        """Those for a certificate; none whose path would be too long for a file."""
        number = tlv(_INTEGER, serial.to_bytes(octets_of(serial), signed=True))
        found = []
        for algorithm, name, key, issuer in self._issuers:
            der = tlv(SEQUENCE, issuer + number)
            letters = b2a_base64(_request(der), newline=False).decode()
            if len(letters) <= _MAX_LETTERS:
                found.append(UsualRequest(CertID(algorithm, name, key, serial, der), _path(letters)))
        return found


def _request(cert_id: bytes) -> bytes:
    """OCSPRequest (section 4.1.1)."""
    return tlv(SEQUENCE, tlv(SEQUENCE, tlv(SEQUENCE, tlv(SEQUENCE, cert_id))))


def _path(letters: str) -> str:
    shortened = _SLASHES.sub("/", letters) if "//" in letters else letters
    return shortened.rstrip("=/") + SUFFIX
