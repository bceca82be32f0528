"""What OCSP says of a certificate, and how its answers are dated and signed, by the server and in advance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from anchorhold.operations.responders import ANSWER_LIFETIME
from anchorhold.plugin.facts import OcspFacts
from anchorhold.plugin.requests import SignRequest
from anchorhold.public_keys import spec_of
from anchorhold.x509.lenient_certificates import load_lenient
from anchorhold.x509.ocsp import BasicOCSPResponse, CertStatus, SingleResponse
from anchorhold.x509.validity import BACKDATE, is_in_future, now, start_of_validity

if TYPE_CHECKING:
    import datetime as dt

    from anchorhold.algorithms import Algorithm
    from anchorhold.ledger.records import ResponderRecord, RevocationRecord
    from anchorhold.operations.authority import Authority
    from anchorhold.plugin.requests import CertificateAuthority
    from anchorhold.public_keys import PublicKey
    from anchorhold.x509.ocsp_requests import CertID

MAX_CACHE_AGE: Final = 3600
"""Seconds for which HTTP caches may keep an answer: how much later a revocation may reach clients behind one."""


def status_of(revocation: RevocationRecord | None) -> CertStatus:
    """The status of an issued certificate.

    Args:
        revocation: Its revocation; None if it is not revoked. If the clock was ahead when it was made, it counts as of
            now, until `maintain` dates it back.
    """
    if revocation is None:
        return CertStatus(issued=True)
    moment = now()
    revoked_at = moment if is_in_future(revocation.revoked_at, moment) else revocation.revoked_at
    return CertStatus(issued=True, revoked_at=revoked_at, reason=revocation.reason)


@dataclass(frozen=True, slots=True)
class AnswerTemplate:
    """What the answers of a responder have in common.

    Attributes:
        issuer: The authority that has delegated to it.
        key_id: Of its key.
        public_key: Its public key.
        algorithm: How it signs.
        encoder: Puts answers together.
        not_before: Start of its own validity, UTC.
        not_after: End of its own validity, UTC.
        begin: Before which no answer begins, UTC.
        end: After which none is good, UTC.
    """

    issuer: CertificateAuthority
    key_id: bytes
    public_key: PublicKey
    algorithm: Algorithm
    encoder: BasicOCSPResponse
    not_before: dt.datetime
    not_after: dt.datetime
    begin: dt.datetime
    end: dt.datetime

    @classmethod
    def of(cls, authority: Authority, record: ResponderRecord) -> Self:
        """That of a responder, which has a certificate."""
        certificate, above = load_lenient(record.certificate or b""), authority.certificate
        public_key: PublicKey = certificate.public_key()  # type: ignore[assignment]  # the next line refuses others
        algorithm = spec_of(public_key).algorithm()
        begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        return cls(
            issuer=authority.description,
            key_id=record.key_id,
            public_key=public_key,
            algorithm=algorithm,
            encoder=BasicOCSPResponse.of(certificate, public_key, algorithm),
            not_before=begin,
            not_after=end,
            begin=max(begin, above.not_valid_before_utc),
            end=min(end, above.not_valid_after_utc),
        )

    def single(
        self, cert_id: CertID, status: CertStatus, produced_at: dt.datetime, lifetime: dt.timedelta = ANSWER_LIFETIME
    ) -> SingleResponse:
        """The status of a certificate, dated.

        Args:
            cert_id: The certificate.
            status: Its status.
            produced_at: The present, UTC.
            lifetime: How long it is good, if its signer is.
        """
        begins = start_of_validity(produced_at, BACKDATE, self.begin)
        return SingleResponse(cert_id, status, begins, min(produced_at + lifetime, self.end))

    def request(self, data: bytes, single: SingleResponse, deadline: float | None = None) -> SignRequest:
        """What the hook `sign` is asked for.

        Args:
            data: ResponseData, in DER.
            single: The status in it.
            deadline: As of a `SignRequest`.
        """
        return SignRequest(
            message=data,
            algorithm=self.algorithm,
            purpose="ocsp",
            ca=self.issuer,
            key_id=self.key_id,
            facts=OcspFacts(serial=single.cert_id.serial_number, status=single.cert_status.word),
            deadline=deadline,
        )
