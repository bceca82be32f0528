"""An authority as the program sees it, its ledger record with the certificate parsed; and with those above it."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_der_public_key

from anchorhold.errors import AuthorityExpiredError, AuthorityNotReadyError, PathLengthError
from anchorhold.ledger.policy import SHARD
from anchorhold.plugin.requests import CertificateAuthority, KeyHandle, KeyRequest
from anchorhold.public_keys import PublicKey, spec_of
from anchorhold.remedy import Remedy
from anchorhold.x509.lenient_certificates import load_lenient, unusual_subject
from anchorhold.x509.name_constraints import check_permitted
from anchorhold.x509.unusual import UNUSUAL
from anchorhold.x509.validity import ValidityLimit, add_days, is_in_future, now

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Sequence

    from anchorhold.algorithms import Algorithm, KeySpec
    from anchorhold.ledger import AuthorityRecord, IssuancePolicy, Ledger


class Authority:
    """A certificate authority in the ledger.

    Args:
        record: Its record.
    """

    def __init__(self, record: AuthorityRecord) -> None:
        self.record = record

    def __repr__(self) -> str:
        return f"<Authority {self.name!r} {self.record.status}>"

    def refreshed(self, ledger: Ledger) -> Authority:
        """The same as it is now.

        Raises:
            LedgerError: The database refused.
        """
        return Authority(ledger.authorities.get(self.record.id))

    @property
    def name(self) -> str:
        """Its name in the ledger."""
        return self.record.name

    @cached_property
    def certificate(self) -> x509.Certificate:
        """Its certificate.

        Raises:
            AuthorityNotReadyError: It has no certificate yet.
        """
        if self.record.certificate is None:
            raise self._not_ready()
        return load_lenient(self.record.certificate)

    def _not_ready(self) -> AuthorityNotReadyError:
        from anchorhold.operations.state import CsrPending, state_of

        state = state_of(self.record)
        if isinstance(state, CsrPending) and state.csr is not None:
            return AuthorityNotReadyError(
                f"authority {self.name!r}: awaits its certificate",
                hint="have its parent sign the CSR, and import the certificate",
                remedy=Remedy("authorities.complete", {"authority": self.name}),
            )
        return AuthorityNotReadyError(
            f"authority {self.name!r}: is not complete",
            hint="check whether another process is working on it; if not, finish or abandon it",
            remedy=Remedy("recovery.pending"),
        )

    @cached_property
    def unusual_subject(self) -> bytes | None:
        """Its name, octet by octet as its certificate has it, where it would be encoded otherwise; else None."""
        return unusual_subject(self.certificate)

    @cached_property
    def public_key(self) -> PublicKey:
        """Its public key.

        Raises:
            AuthorityNotReadyError: Its key was not made yet.
        """
        if self.record.public_key is None:
            raise AuthorityNotReadyError(
                f"authority {self.name!r}: has no key yet",
                hint="finish or abandon it",
                remedy=Remedy("recovery.finish", {"authority": self.name}),
            )
        return load_der_public_key(self.record.public_key)  # type: ignore[return-value]  # checked when recorded

    @cached_property
    def spec(self) -> KeySpec:
        """The kind of its key."""
        return spec_of(self.public_key)

    @cached_property
    def algorithm(self) -> Algorithm:
        """What it signs with."""
        return self.spec.algorithm(self.record.issuing.hash, self.record.issuing.rsa_padding)

    @cached_property
    def issuing(self) -> IssuancePolicy:
        """What it puts into what it signs, with the URLs of the server that publishes for it."""
        return published(self.record.issuing, self.record.serial or "")

    @property
    def is_unusual(self) -> bool:
        """Whether some program may refuse it, or what it signs; `anchorhold.advice` knows which, and why."""
        record, issuing = self.record, self.record.issuing
        octets = (record.certificate or b"") + (record.public_key or b"")
        has_more = bool(issuing.crl_shards or issuing.above) or (issuing.hash or "").startswith("SHA3")
        return has_more or UNUSUAL.search(octets) is not None

    @cached_property
    def description(self) -> CertificateAuthority:
        """What backends and wrappers are told about it."""
        return CertificateAuthority(name=self.name, subject=self.record.subject, public_key_info=self.record.public_key)

    def to_json(self) -> dict[str, Any]:
        """As JSON has it, without its parent, its key handle and its certificate; documented in docs/json.md."""
        record, issuing = self.record, self.record.issuing
        return {
            "name": record.name,
            "status": record.status,
            "subject": record.subject,
            "serial": record.serial,
            "key_backend": record.key_backend,
            "key_backend_type": record.backend_type,
            "not_after": record.not_after.isoformat() if record.not_after else None,
            "hostname": issuing.hostname,
            "crl_urls": list(self.issuing.crl_urls),
            "crl_shards": issuing.crl_shards,
            "ocsp_urls": list(self.issuing.ocsp_urls),
            "issuer_urls": list(self.issuing.issuer_urls),
            "issuer_alt": list(issuing.issuer_alt),
            "policies": list(issuing.policies),
            "default_profile": issuing.profile,
            "max_days": issuing.max_days,
            "ocsp_key_backend": issuing.ocsp_key_backend,
            "ocsp_unknown": issuing.ocsp_unknown,
            "hash": issuing.hash,
            "rsa_padding": issuing.rsa_padding,
        }

    @property
    def key_handle(self) -> KeyHandle:
        """Where its key is; recorded as soon as the key was made."""
        return KeyHandle.from_json(self.record.handle or {})

    @property
    def key_request(self) -> KeyRequest:
        """What a backend needs to lend its key."""
        return KeyRequest(public_key=self.public_key, ca=self.description, handle=self.key_handle)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is to be done for it: made while a clock was ahead, not valid for long, and disabled."""
        return self.record.status == "disabled" and is_in_future(self.certificate.not_valid_before_utc, now())

    def validity_limits(self, start: dt.datetime) -> list[ValidityLimit]:
        """Moments beyond which nothing that it signs is valid.

        Args:
            start: Start of validity.
        """
        bounds = [ValidityLimit(self.certificate.not_valid_after_utc, f"{self.name!r} expires")]
        if self.record.issuing.max_days is not None:
            bounds.append(
                ValidityLimit(add_days(start, self.record.issuing.max_days), f"{self.name!r} allows", length=True)
            )
        return bounds

    @cached_property
    def path_length(self) -> int | None:
        """Its path length constraint; None if it has none."""
        return self.certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length

    @cached_property
    def name_constraints(self) -> x509.NameConstraints | None:
        """Its name constraints; None if it has none."""
        try:
            return self.certificate.extensions.get_extension_for_class(x509.NameConstraints).value
        except x509.ExtensionNotFound:
            return None

    def check_ready(self) -> None:
        """Refuse to sign with an authority that must not.

        Raises:
            AuthorityNotReadyError: It was never completed, or is disabled.
            AuthorityExpiredError: It has expired, or is not valid yet.
        """
        _ = self.certificate  # says what to do if there is none
        if self.record.status != "active":
            raise AuthorityNotReadyError(
                f"authority {self.name!r}: is disabled",
                hint="enable it",
                remedy=Remedy("authorities.edit", {"authority": self.name, "enabled": True}),
            )
        self.check_valid()

    def check_valid(self) -> None:
        """Refuse what is of no use outside the validity of its certificate; a disabled authority may be valid.

        Raises:
            AuthorityNotReadyError: It was never completed.
            AuthorityExpiredError: It has expired, or is not valid yet.
        """
        certificate, moment = self.certificate, now()
        if moment > certificate.not_valid_after_utc:
            raise AuthorityExpiredError(
                f"authority {self.name!r}: expired on {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC",
                hint="use another authority or create a new one",
            )
        if moment < certificate.not_valid_before_utc:
            raise AuthorityExpiredError(
                f"authority {self.name!r}: is not valid before {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC",
                hint="wait, or check the clock of this machine",
            )


def published(policy: IssuancePolicy, serial: str) -> IssuancePolicy:
    """The same with the URLs under which ``anchorhold serve`` publishes for an authority.

    Args:
        policy: Of the authority.
        serial: Of the authority's own certificate, in hex.
    """
    if policy.hostname is None:
        return policy
    base = f"http://{policy.hostname}"
    crl = f"{base}/crl/{serial}/{SHARD}.crl" if policy.crl_shards else f"{base}/crl/{serial}.crl"
    return replace(
        policy,
        crl_urls=(crl, *policy.crl_urls),
        ocsp_urls=(f"{base}/ocsp", *policy.ocsp_urls),
        issuer_urls=(f"{base}/issuer/{serial}.der", *policy.issuer_urls),
    )


class Chain:
    """An authority, its parent, and so on up to the root or the highest that is known (RFC 5280, section 6.1).

    Args:
        authorities: The issuer first.

    Attributes:
        authorities: The same.
        issuer: The authority that signs.
    """

    def __init__(self, authorities: Sequence[Authority]) -> None:
        self.authorities = tuple(authorities)
        self.issuer = self.authorities[0]

    @property
    def is_unusual(self) -> bool:
        """Whether some program may refuse what the issuer signs."""
        return any(authority.is_unusual for authority in self.authorities)

    @property
    def above(self) -> Chain | None:
        """The authorities above the issuer; None if none is known."""
        return Chain(self.authorities[1:]) if self.authorities[1:] else None

    @cached_property
    def path_length(self) -> int | None:
        """How many authorities may follow below the issuer; None if there is no limit."""
        own = [(above.path_length, depth) for depth, above in enumerate(self.authorities)]
        limits = [length - depth for length, depth in own if length is not None]
        return max(min(limits), 0) if limits else None

    def check_path_length(self, wanted: int | None) -> None:
        """Refuse an authority that would never be valid here (section 4.2.1.9).

        Args:
            wanted: Its path length; None for unlimited.

        Raises:
            PathLengthError: The path length of the issuer, or of one above it, is used up.
        """
        limit = self.path_length
        if limit is None:
            return
        if limit == 0:
            raise PathLengthError(
                f"authority {self.issuer.name!r}: its path length is 0, so it cannot issue CA certificates",
                hint="use a parent with a longer path length",
            )
        if wanted is None or wanted >= limit:
            raise PathLengthError(
                f"authority {self.issuer.name!r}: leaves a path length of at most {limit - 1}",
                hint=f"ask for {limit - 1} or less instead of {'none' if wanted is None else wanted}",
            )

    def check_names(self, subject: x509.Name, names: Iterable[x509.GeneralName]) -> None:
        """Refuse names outside the name constraints of the issuer or of one above it (section 4.2.1.10).

        Raises:
            NameForbiddenError: With the first such name.
        """
        names = tuple(names)
        for above in self.authorities:
            if above.name_constraints is not None:
                check_permitted(subject, names, above.name_constraints, above.name)
