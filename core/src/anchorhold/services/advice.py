"""Advice: which widely used programs refuse an authority, a certificate, its list and responder, or a key file."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import load_der_public_key

from anchorhold.advice import features
from anchorhold.advice.key_files import of_key_file
from anchorhold.advice.programs import PROGRAMS, named
from anchorhold.advice.verdict import Advice, advise
from anchorhold.operations.authority_plan import effective_profile
from anchorhold.operations.import_authority import find_parent
from anchorhold.public_keys import spec_of
from anchorhold.x509.certificates import select_certificate
from anchorhold.x509.lenient_certificates import load_lenient
from anchorhold.x509.name_constraints import name_constraints
from anchorhold.x509.names import format_name
from anchorhold.x509.serials import format_serial
from anchorhold.x509.validity import LATEST

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from cryptography import x509

    from anchorhold.advice.features import Feature
    from anchorhold.advice.programs import Program
    from anchorhold.algorithms import Algorithm, KeySpec
    from anchorhold.ledger import CertificateRecord, IssuancePolicy
    from anchorhold.operations.authority import Authority, Chain
    from anchorhold.operations.authority_plan import NewAuthority
    from anchorhold.services.context import ServiceContext
    from anchorhold.x509.draft import Draft


class AdviceService:
    """What programs refuse of what is in an installation, from measurements that are part of this package.

    Args:
        context: Shared by all services.
    """

    def __init__(self, context: ServiceContext) -> None:
        self._context = context

    def programs(self) -> Sequence[Program]:
        """The programs that were tried; ``programs`` below are names of them, or of a family such as ``java``."""
        return tuple(PROGRAMS.values())

    def of_authority(self, authority: str | Authority, programs: Sequence[str] = ()) -> Advice:
        """About an authority, those above it, its partial CRLs and its responder.

        Args:
            authority: Which one.
            programs: Only these are asked about; by default all that are widely used.

        Raises:
            InputError: A program is not known.
            AuthorityNotReadyError: The authority has no key yet.
        """
        wanted, found = named(programs), self._context.authority(authority)
        return advise(f"authority {found.name!r}", self._of_issuer(self._context.chain(found)), wanted)

    def of_certificate(self, certificate: CertificateRecord, programs: Sequence[str] = ()) -> Advice:
        """About a certificate of the ledger, the authorities above it, and its list and responder.

        Args:
            certificate: Which one.
            programs: As for `of_authority`.

        Raises:
            InputError: A program is not known.
        """
        chain = self._context.chain(self._context.authority_of_row(certificate.authority_id))
        return self.of_issued(chain.issuer, certificate.certificate or b"", programs)

    def of_issued(self, authority: Authority, der: bytes, programs: Sequence[str] = ()) -> Advice:
        """The same about a certificate that an authority has signed.

        Args:
            authority: The authority.
            der: The certificate.
            programs: As for `of_authority`.

        Raises:
            InputError: A program is not known.
        """
        wanted, certificate = named(programs), load_lenient(der, forgiving=True)
        above = self._of_issuer(self._context.chain(authority), features.kinds_in(certificate.extensions))
        found = (*above, *features.of_certificate(certificate))
        return advise(f"certificate {format_serial(certificate.serial_number)}", found, wanted)

    def of_file(self, certificates: Sequence[x509.Certificate], programs: Sequence[str] = ()) -> Advice:
        """About a certificate from elsewhere; authorities above it are looked for here, too.

        Args:
            certificates: The certificate, and those of authorities above it as far as they are at hand, in any order.
            programs: As for `of_authority`.

        Raises:
            InputError: A program is not known.
        """
        wanted, first = named(programs), select_certificate(certificates)
        kinds = features.kinds_in(first.extensions)
        found = [feature for each in certificates for feature in features.of_certificate(each, kinds)]
        known = self._context.authorities() if self._context.access.exists else ()
        for parent in filter(None, [find_parent(each, known) for each in certificates]):
            found += _of_chain(self._context.chain(parent), kinds)
        return advise(f"certificate {format_name(first.subject)!r}", found, wanted)

    def of_key_file(self, content: bytes, subject: str = "key file", programs: Sequence[str] = ()) -> Advice:
        """About a file with a private key, whose password is not needed.

        Args:
            content: Of the file.
            subject: What to call it in messages.
            programs: As for `of_authority`.

        Raises:
            InputError: A program is not known.
            AnchorholdError: The file holds no private key.
        """
        return advise(subject, of_key_file(content, subject), named(programs))

    def _of_issuer(self, chain: Chain, names: Collection[str] | None = None) -> Iterator[Feature]:
        """Of the issuer and those above it, its list, and its responder where one answers or is named."""
        issuer = chain.issuer
        yield from _of_chain(chain, names)
        yield from _of_lists(issuer.record.issuing)
        with self._context.ledger.translate_errors():
            active = self._context.ledger.responders.active(issuer.record.id)
        if active is not None and active.public_key is not None:
            yield from _of_responder(spec_of(load_der_public_key(active.public_key)), issuer.algorithm, issuer.spec)
        elif issuer.issuing.ocsp_urls:
            yield from _of_responder(issuer.spec, issuer.algorithm, issuer.spec)


def check_new(programs: Sequence[str], spec: KeySpec, wanted: NewAuthority, above: Chain | None) -> None:
    """Refuse an authority that a program would not accept, before anything of it is made.

    Args:
        programs: Those that must accept it.
        spec: The kind of its key.
        wanted: The authority.
        above: The authorities that sign it, if they are here.

    Raises:
        InputError: A program is not known.
        NotAcceptedError: One of them refuses it.
    """
    profile, found = effective_profile(wanted), [*_of_plans(spec, wanted.issuing)]
    constraints = name_constraints(profile.permitted_names, profile.excluded_names)
    if constraints is not None:
        found += features.of_constraints(constraints, None)
    if wanted.expires == LATEST:
        found.append(features.ENDLESS)
    if above is not None:
        found += _of_chain(above, None)
    advise(f"authority {wanted.name!r}", found, named(programs)).check()


def check_edited(programs: Sequence[str], chain: Chain, issuing: IssuancePolicy) -> None:
    """Refuse a change of an authority after which a program would not accept it.

    Args:
        programs: Those that must accept it.
        chain: The authority as it is, and those above it.
        issuing: What it is to put into what it signs.

    Raises:
        InputError: A program is not known.
        NotAcceptedError: One of them refuses it.
    """
    authority = chain.issuer
    found = [*_of_plans(authority.spec, issuing), *features.of_certificate(authority.certificate)]
    found += _of_chain(chain.above, None) if chain.above is not None else _of_kept(issuing, None)
    advise(f"authority {authority.name!r}", found, named(programs)).check()


def draft_check(programs: Sequence[str]) -> Callable[[Chain, Draft], None]:
    """What refuses the drafts of certificates that a program would not accept, before a serial number is used.

    Args:
        programs: Those that must accept them.

    Raises:
        InputError: A program is not known.
    """
    wanted = named(programs)

    def check(chain: Chain, draft: Draft) -> None:
        found = [*_of_chain(chain, features.kinds_in(draft.extensions)), *_of_lists(chain.issuer.record.issuing)]
        if chain.issuer.issuing.ocsp_urls:
            found += _of_responder(chain.issuer.spec, chain.issuer.algorithm, chain.issuer.spec)
        found += features.of_content(draft.extensions, draft.not_after, draft.public_key)
        advise("certificate", found, wanted).check()

    return check


def _of_chain(chain: Chain, names: Collection[str] | None) -> Iterator[Feature]:
    """Of authorities: what they sign with, and their certificates."""
    for authority in chain.authorities:
        signs = tuple(features.signing(authority.spec, authority.algorithm))
        yield from signs
        if authority.record.certificate is not None:
            yield from features.of_certificate(authority.certificate, names)
            yield from features.of_own_signature(authority.certificate, signs)
    yield from _of_kept(chain.authorities[-1].record.issuing, names)


def _of_kept(issuing: IssuancePolicy, names: Collection[str] | None) -> Iterator[Feature]:
    """Of certificates that came with that of an authority, of those above it that are not here."""
    for kept in issuing.above:
        yield from features.of_certificate(load_lenient(base64.b64decode(kept)), names)


def _of_plans(spec: KeySpec, issuing: IssuancePolicy) -> Iterator[Feature]:
    """Of what an authority with such a key is to sign."""
    algorithm = spec.algorithm(issuing.hash, issuing.rsa_padding)
    yield from features.signing(spec, algorithm)
    yield from _of_lists(issuing)
    if issuing.ocsp_urls or issuing.hostname:
        yield from _of_responder(spec, algorithm, spec)


def _of_lists(issuing: IssuancePolicy) -> Iterator[Feature]:
    if issuing.crl_shards:
        yield features.PARTIAL_LISTS


def _of_responder(own: KeySpec, algorithm: Algorithm, issuer: KeySpec) -> Iterator[Feature]:
    """Of a key that signs answers, and of the issuer, which has signed its certificate."""
    yield from features.signing(own, own.algorithm(), "responder")
    yield from features.signing(issuer, algorithm, "responder")
