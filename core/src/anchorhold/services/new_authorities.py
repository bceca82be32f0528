"""What the services that make or edit an authority share: where its key comes from, and what it may issue."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from anchorhold.algorithms import key_spec
from anchorhold.ledger import IssuancePolicy
from anchorhold.operations.issuance_policy import check_chosen_hash, checked_policy
from anchorhold.operations.key_sources import AdoptedKey, NewKey, find_adoptable_key
from anchorhold.plugin.requests import SECTIONS
from anchorhold.public_keys import spec_of, spki

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography import x509

    from anchorhold.algorithms import KeySpec
    from anchorhold.operations.authority_plan import NewAuthority
    from anchorhold.operations.create_authority import Parent
    from anchorhold.operations.key_location import KeyLocation
    from anchorhold.operations.key_sources import KeySource
    from anchorhold.plugin.backend_options import OptionValues
    from anchorhold.public_keys import PublicKey
    from anchorhold.services.context import GivenSecrets, ServiceContext


def key_location(
    context: ServiceContext,
    alias: str,
    spec: KeySpec | None,
    options: OptionValues | None,
    secrets: GivenSecrets,
    *,
    adopt: bool,
) -> tuple[KeyLocation, KeySource]:
    """Where the key of a new authority will be, and where it comes from."""
    location = context.place(alias, "adopt" if adopt else "create", secrets, options)
    return location, adopted_key(context, location) if adopt else NewKey(spec or key_spec())


def adopted_key(
    context: ServiceContext, location: KeyLocation, certificate: x509.Certificate | None = None
) -> AdoptedKey:
    """The key that the options describe, which is in the backend already; notes for the caller describe it."""
    expected = certificate.public_key() if certificate is not None else None
    if expected is not None:
        spec_of(expected)  # refuses other kinds
    source = find_adoptable_key(location, cast("PublicKey | None", expected))
    context.notes += [f"The key that was adopted {note}." for note in source.existing.notes]
    wanted = spki(source.public_key)
    for other in context.authorities() if context.access.exists else []:
        if other.record.public_key == wanted:
            context.notes.append(f"The key that was adopted is that of authority {other.name!r}, too.")
    return source


def check_accepted(programs: Sequence[str], spec: KeySpec, wanted: NewAuthority, parent: Parent | None = None) -> None:
    """Refuse a new authority that one of these programs does not accept."""
    if programs:
        from anchorhold.services.advice import check_new

        check_new(programs, spec, wanted, parent.chain if parent is not None else None)


def checked_issuing(
    context: ServiceContext,
    issuing: IssuancePolicy | None,
    spec: KeySpec,
    certificate: x509.Certificate | None = None,
    *,
    before: str | None = None,
    even_so: bool = False,
) -> IssuancePolicy:
    """What an authority is to issue, once it is known to be possible.

    Args:
        context: Shared by all services.
        issuing: What was asked for; None for the defaults.
        spec: Of the authority's key.
        certificate: Of the authority, if there is one.
        before: The hash that it had, which may stay.
        even_so: Whether an EC key may sign with SHA-3.

    Raises:
        InputError: A value cannot be used.
    """
    checked = checked_policy(issuing or IssuancePolicy(), spec, context.loaded.settings.profiles, certificate)
    if not even_so:
        check_chosen_hash(checked, spec, before)
    if _is_chosen(context, checked.ocsp_key_backend):
        context.backends.get(checked.ocsp_key_backend, "ocsp")
    return checked


def _is_chosen(context: ServiceContext, alias: str) -> bool:
    """Whether that alias was chosen for keys of responders, by naming or by configuring it.

    The one that there is without settings may lead to a backend that is not installed; not everybody needs OCSP.
    """
    named = alias != IssuancePolicy().ocsp_key_backend
    is_configured = context.loaded.origins[SECTIONS["ocsp"]] != "default"
    return named or (is_configured and alias in context.backends.aliases("ocsp"))
