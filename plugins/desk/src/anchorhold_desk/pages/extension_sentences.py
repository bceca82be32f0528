"""What each extension of a certificate means, in a sentence for people (RFC 5280, section 4.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from anchorhold_desk.pages.languages import marked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SENTENCES: Final[Mapping[str, str]] = {
    "subjectKeyIdentifier": marked("Identifies the key of this certificate, so that what it signs is found with it."),
    "authorityKeyIdentifier": marked("Identifies the key that has signed this certificate."),
    "basicConstraints": marked("Says whether the holder is a certificate authority."),
    "keyUsage": marked("Limits what the key may do."),
    "extendedKeyUsage": marked("Limits what the certificate may be used for."),
    "subjectAltName": marked("The names that the certificate is for; clients compare these."),
    "issuerAltName": marked("Other names of the authority that has signed it."),
    "nameConstraints": marked("Limits the names for which this authority may sign."),
    "certificatePolicies": marked("The policies under which it was issued."),
    "cRLDistributionPoints": marked("Where the list is that says whether it is revoked."),
    "authorityInfoAccess": marked("Where OCSP tells its status, and where the certificate of its issuer is."),
    "ocsp-nocheck": marked("It signs OCSP responses, so its own status is not asked for."),
    "tlsfeature": marked("The server must staple an OCSP response; clients that know this refuse one without."),
}
OTHER: Final = marked("An extension without a meaning that is known here.")
MEANINGS: Final[Mapping[str, str]] = {
    "digitalSignature": marked("signing, as TLS handshakes do"),
    "nonRepudiation": marked("signing documents"),
    "keyEncipherment": marked("encrypting keys"),
    "dataEncipherment": marked("encrypting data"),
    "keyAgreement": marked("agreeing on keys"),
    "keyCertSign": marked("signing certificates"),
    "cRLSign": marked("signing CRLs"),
    "serverAuth": marked("TLS servers"),
    "clientAuth": marked("TLS clients"),
    "codeSigning": marked("signed programs"),
    "emailProtection": marked("mail"),
    "timeStamping": marked("time stamps"),
    "OCSPSigning": marked("OCSP responses"),
    "smartcardLogon": marked("log-in with a smart card"),
    "anyExtendedKeyUsage": marked("any purpose"),
}


@dataclass(frozen=True, slots=True)
class ExplainedExtension:
    """An extension with what it means.

    Attributes:
        name: Its name, or its object identifier.
        critical: Whether it is critical.
        sentence: What it is for; to be translated.
        value: As the JSON of a certificate has it.
        meanings: What its values mean, where these are names; to be translated.
    """

    name: str
    critical: bool
    sentence: str
    value: Any
    meanings: Sequence[str]


def explained(extensions: Mapping[str, Any]) -> Sequence[ExplainedExtension]:
    """The extensions of a certificate with what they mean.

    Args:
        extensions: By name, as the JSON of a certificate has them.
    """
    return [
        ExplainedExtension(
            name, found["critical"], SENTENCES.get(name, OTHER), found["value"], _meanings(name, found["value"])
        )
        for name, found in extensions.items()
    ]


def _meanings(name: str, value: Any) -> Sequence[str]:
    if name not in ("keyUsage", "extendedKeyUsage"):
        return ()
    return [MEANINGS.get(part, part) for part in value]
