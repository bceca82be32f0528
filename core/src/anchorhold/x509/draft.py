"""A certificate before it is signed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import datetime as dt

    from cryptography import x509

    from anchorhold.public_keys import PublicKey

E = TypeVar("E", bound="x509.ExtensionType")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A certificate before it is signed: all of its content, nothing of it changeable any more.

    Attributes:
        issuer: Distinguished name of the authority.
        subject: Distinguished name of the holder.
        serial: Serial number.
        not_before: Start of validity, UTC, to the second.
        not_after: End of validity, UTC, to the second.
        public_key: The holder's.
        extensions: In the order they will have.
        profile: Name of the profile it was made by, also where that is one for authorities.
        public_key_info: DER SubjectPublicKeyInfo where it says more than the key, as for id-RSASSA-PSS (RFC 4055,
            section 1.2); else None.
        issuer_octets: The issuer's name in DER where its certificate has it otherwise than it would be encoded, such as
            in a TeletexString; else None.
        listed_as: What the ledger lists it as, where that is not its profile: ``authority`` for those of authorities
            here; else None.
    """

    issuer: x509.Name
    subject: x509.Name
    serial: int
    not_before: dt.datetime
    not_after: dt.datetime
    public_key: PublicKey
    extensions: tuple[x509.Extension[x509.ExtensionType], ...]
    profile: str
    public_key_info: bytes | None = None
    issuer_octets: bytes | None = None
    listed_as: str | None = None

    def extension(self, kind: type[E]) -> E | None:
        """The value of the extension of that class of ``cryptography.x509``; None if there is none."""
        # Not `isinstance`, which asks Python code of an abstract class for each of them; nobody derives from these.
        return next((found.value for found in self.extensions if type(found.value) is kind), None)

    @property
    def alternative_names(self) -> tuple[x509.GeneralName, ...]:
        """The subject alternative names (RFC 5280, section 4.2.1.6)."""
        from cryptography import x509

        return tuple(self.extension(x509.SubjectAlternativeName) or ())

    @property
    def dns_names(self) -> tuple[str, ...]:
        """The DNS names among the subject alternative names."""
        from cryptography import x509

        return tuple(name.value for name in self.alternative_names if isinstance(name, x509.DNSName))

    @property
    def is_ca(self) -> bool:
        """Whether the holder is to be an authority (RFC 5280, section 4.2.1.9)."""
        from cryptography import x509

        constraints = self.extension(x509.BasicConstraints)
        return constraints is not None and constraints.ca
