"""Certificate revocation lists (RFC 5280, section 5), put together from entries that are encoded already.

``cryptography``'s builder makes everything but the entries: a million of them cost it a minute and gigabytes, and
here they are one string of octets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat import asn1

from anchorhold.errors import SignatureError
from anchorhold.publickeys import is_signed_by
from anchorhold.seam.bridge import bridge_key, builder_arguments
from anchorhold.x509.der import tlv
from anchorhold.x509.drafts import authority_key_identifier

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    from anchorhold.algorithms import Algorithm
    from anchorhold.publickeys import PublicKey

_SEQUENCE = 0x30


@dataclass(frozen=True, slots=True, kw_only=True)
class CrlDraft:
    """A list before it is signed.

    Attributes:
        issuer: Certificate of the authority.
        number: CRL number (section 5.2.3).
        this_update: When it is made, UTC, to the second.
        next_update: When the next one will have been made.
        distribution_points: URLs of an issuing distribution point (section 5.2.5), for a list of some certificates
            only; empty for a list of all.
    """

    issuer: x509.Certificate
    number: int
    this_update: dt.datetime
    next_update: dt.datetime
    distribution_points: tuple[str, ...] = ()


@asn1.sequence
class _Empty:
    """TBSCertList without revokedCertificates."""

    version: int
    signature: asn1.TLV
    issuer: asn1.TLV
    this_update: asn1.TLV
    next_update: asn1.TLV
    extensions: asn1.TLV


@asn1.sequence
class _Filled:
    """TBSCertList."""

    version: int
    signature: asn1.TLV
    issuer: asn1.TLV
    this_update: asn1.TLV
    next_update: asn1.TLV
    revoked: asn1.TLV
    extensions: asn1.TLV


@asn1.sequence
class _CertificateList:
    """CertificateList."""

    tbs: asn1.TLV
    algorithm: asn1.TLV
    signature: asn1.BitString


def tbs_cert_list(draft: CrlDraft, entries: bytes, issuer_key: PublicKey, algorithm: Algorithm) -> bytes:
    """What is signed, in DER, made without any private key.

    Args:
        draft: The list.
        entries: Its revokedCertificates one behind the other, each in DER.
        issuer_key: The issuer's public key.
        algorithm: How it will be signed.
    """
    captured: list[bytes] = []

    def capture(message: bytes) -> bytes:
        captured.append(message)
        return b"\x00"

    builder = x509.CertificateRevocationListBuilder(
        issuer_name=draft.issuer.subject,
        last_update=draft.this_update.replace(tzinfo=None),
        next_update=draft.next_update.replace(tzinfo=None),
    )
    for value, critical in _extensions(draft):
        builder = builder.add_extension(value, critical)
    builder.sign(bridge_key(issuer_key, capture), **builder_arguments(algorithm))
    if not entries:  # an empty sequence must be absent (section 5.1.2.6)
        return captured[0]
    empty = asn1.decode_der(_Empty, captured[0])
    return asn1.encode_der(
        _Filled(
            version=empty.version,
            signature=empty.signature,
            issuer=empty.issuer,
            this_update=empty.this_update,
            next_update=empty.next_update,
            revoked=asn1.decode_der(asn1.TLV, tlv(_SEQUENCE, entries)),
            extensions=empty.extensions,
        )
    )


def sign_crl(
    tbs: bytes, issuer_key: PublicKey, algorithm: Algorithm, sign: Callable[[bytes], bytes], signer: object
) -> bytes:
    """Sign a list and verify the result; arguments as for `anchorhold.x509.drafts.sign_tbs`.

    Returns:
        The CRL in DER.

    Raises:
        SignatureError: The signature does not verify.
    """
    signature = sign(tbs)
    if not is_signed_by(issuer_key, signature, tbs, algorithm):
        raise SignatureError(
            f"{signer}: returned a signature that does not verify", hint="tell the author of the backend"
        )
    return asn1.encode_der(
        _CertificateList(
            tbs=asn1.decode_der(asn1.TLV, tbs),
            algorithm=_signature_algorithm(tbs),
            signature=asn1.BitString(signature, 0),
        )
    )


def entries_of(crl: bytes) -> bytes:
    """The revokedCertificates of a list made here, one behind the other."""
    tbs = asn1.encode_der(asn1.decode_der(_CertificateList, crl).tbs)
    try:
        return bytes(asn1.decode_der(_Filled, tbs).revoked.data)
    except ValueError:
        return b""


def _signature_algorithm(tbs: bytes) -> asn1.TLV:
    try:
        return asn1.decode_der(_Filled, tbs).signature
    except ValueError:
        return asn1.decode_der(_Empty, tbs).signature


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
