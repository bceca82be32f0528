"""Certificate revocation lists (RFC 5280, section 5), put together from entries that are encoded already.

``cryptography``'s builder makes everything but the entries: a million of them cost it a minute and gigabytes, and
here they are one string of octets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography import x509

from anchorhold.x509.ber import read_one, sequence
from anchorhold.x509.der import SEQUENCE, header, members, signed, span
from anchorhold.x509.lenient_certificates import unusual_subject
from anchorhold.x509.to_be_signed import authority_key_identifier, replace_member, to_be_signed

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from anchorhold.algorithms import Algorithm
    from anchorhold.public_keys import PublicKey

_ISSUER: Final = 3
"""Members of a TBSCertList up to the issuer's name (RFC 5280, section 5.1)."""
_REVOKED: Final = 5
"""Members of a TBSCertList before revokedCertificates; all of them are there in lists made here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrlDraft:
    """A list before it is signed.

    Attributes:
        issuer: Certificate of the authority.
        number: CRL number (section 5.2.3).
        this_update: When it begins, UTC, to the second.
        next_update: When the next one will have been made.
        distribution_points: URLs of an issuing distribution point (section 5.2.5), for a list of some certificates
            only; empty for a list of all.
    """

    issuer: x509.Certificate
    number: int
    this_update: dt.datetime
    next_update: dt.datetime
    distribution_points: tuple[str, ...] = ()


def tbs_cert_list(draft: CrlDraft, entries: Sequence[bytes], issuer_key: PublicKey, algorithm: Algorithm) -> bytes:
    """What is signed, in DER, made without any private key.

    Args:
        draft: The list.
        entries: Its revokedCertificates, each in DER, any number of them one behind the other in each member.
        issuer_key: The issuer's public key.
        algorithm: How it will be signed.
    """
    empty = _empty(draft, issuer_key, algorithm)
    size = sum(map(len, entries))
    if not size:  # an empty sequence must be absent (section 5.1.2.6)
        return empty
    begin, end = span(empty)
    at = members(empty, _REVOKED)[-1]  # of the extensions
    list_header = header(SEQUENCE, size)
    total = end - begin + len(list_header) + size
    return b"".join([header(SEQUENCE, total), empty[begin:at], list_header, *entries, empty[at:]])


def assemble_crl(tbs: bytes, signature: bytes) -> tuple[bytes, bytes, bytes]:
    """The CertificateList (RFC 5280, section 5.1), in DER, in three pieces, of which the second is the TBSCertList.

    Args:
        tbs: The TBSCertList, from `tbs_cert_list`.
        signature: Over it, in the form X.509 has it.
    """
    _, begin, end = members(tbs, 2)  # version and signature
    return signed(tbs, tbs[begin:end], signature)


def entries_span(tbs: bytes) -> tuple[int, int]:
    """Where the entries begin and end in a TBSCertList made here; the same place twice if there are none."""
    place = members(tbs, _REVOKED)[-1]
    return span(tbs, place) if tbs[place] == SEQUENCE else (place, place)


def count_entries(der: bytes) -> int:
    """How many entries a list in DER has that was made here, whatever its issuer's name is encoded like."""
    tbs, *rest = read_one(der).members
    nameless = replace_member(tbs.raw, _ISSUER, sequence())
    return len(x509.load_der_x509_crl(sequence(nameless, *(each.raw for each in rest))))


def _empty(draft: CrlDraft, issuer_key: PublicKey, algorithm: Algorithm) -> bytes:
    """TBSCertList without revokedCertificates."""
    builder = x509.CertificateRevocationListBuilder(
        issuer_name=draft.issuer.subject,
        last_update=draft.this_update.replace(tzinfo=None),
        next_update=draft.next_update.replace(tzinfo=None),
    )
    for value, critical in _extensions(draft):
        builder = builder.add_extension(value, critical)
    tbs = to_be_signed(builder, issuer_key, algorithm)
    unusual = unusual_subject(draft.issuer)
    return tbs if unusual is None else replace_member(tbs, _ISSUER, unusual)


def _extensions(draft: CrlDraft) -> list[tuple[x509.ExtensionType, bool]]:
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (authority_key_identifier(draft.issuer), False),
        (x509.CRLNumber(draft.number), False),
    ]
    if draft.distribution_points:
        point = x509.IssuingDistributionPoint(
            full_name=[x509.UniformResourceIdentifier(url) for url in draft.distribution_points],
            relative_name=None,
            only_contains_user_certs=False,
            only_contains_ca_certs=False,
            only_some_reasons=None,
            indirect_crl=False,
            only_contains_attribute_certs=False,
        )
        extensions.append((point, True))
    return extensions
