"""The first CRL and OCSP responder of an authority that says where to find them, right after it was recorded."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from anchorhold.cli.output import info
from anchorhold.cli.remedies import sentence
from anchorhold.errors import AnchorholdError, AuthorityExpiredError, CertificateInvalidError, SecretMissingError
from anchorhold.operations.crls import check_may_issue_crls, shards_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from anchorhold.installation import Installation
    from anchorhold.operations.authority import Authority
    from anchorhold.secret import Secret


def publishes(authority: Authority) -> bool:
    """Whether it writes into what it signs where its CRL or OCSP responder is."""
    return bool(authority.issuing.crl_urls or authority.issuing.ocsp_urls)


def publish_first(installation: Installation, authority: Authority, secrets: Mapping[str, Secret]) -> None:
    """Make them if nobody has to be asked; else, or if it fails, say what is left to do. The authority stays.

    Args:
        installation: It is recorded in.
        authority: Complete; one without URLs of its own publishes nothing.
        secrets: Those given for its key.
    """
    if not publishes(authority):
        return
    failures: tuple[AnchorholdError, ...]
    try:
        maintained = installation.maintenance.run(authority, secrets)
        failures = maintained.failures
        for done in maintained.done:
            info(f"{authority.name}: {done}")
    except AnchorholdError as error:
        failures = (error,)
    for failure in failures:
        if not isinstance(failure, SecretMissingError):
            info(f"Authority {authority.name} is complete, but {sentence(failure)}.")
    if failures:
        info_unpublished(installation, authority)


def info_unpublished(installation: Installation, authority: Authority) -> None:
    """Say which commands make what an authority promises to publish and has never made, if anything."""
    if left := [f"`{command}`" for command in _left(installation, authority)]:
        info(f"Next: create its first CRL and OCSP responder with {' and '.join(left)}.")


def info_missing_revocations(installation: Installation, authority: Authority) -> None:
    """Of an authority that was brought here: a CRL made now would lack what it has revoked elsewhere."""
    left = [f"`{command}`" for command in _left(installation, authority)] if publishes(authority) else []
    if left:
        info(
            "Next: record the certificates it issued and revoked elsewhere (import-cert, revoke-cert), then create its "
            f"first CRL and OCSP responder with {' and '.join(left)}."
        )


def _left(installation: Installation, authority: Authority) -> Iterator[str]:
    """The commands that make what is not there; they ask for what they need."""
    name, made = shlex.quote(authority.name), installation.crls.dates(authority)
    if not made.keys() >= set(shards_of(authority)) and _makes_crls(authority):
        yield f"anchorhold generate-crls {name}"
    if installation.responders.active(authority) is None:
        yield f"anchorhold regenerate-ocsp-keys {name}"


def _makes_crls(authority: Authority) -> bool:
    try:
        check_may_issue_crls(authority)
    except (AuthorityExpiredError, CertificateInvalidError):  # it never will
        return False
    return True
