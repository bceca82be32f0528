"""The first CRL and OCSP responder of an authority that says where to find them, right after it was made."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from anchorhold.cli.output import say
from anchorhold.errors import AnchorholdError, SecretMissingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from anchorhold.installation import Installation
    from anchorhold.issuing.authority import Authority
    from anchorhold.secret import Secret


def publish_first(installation: Installation, authority: Authority, secrets: Mapping[str, Secret]) -> None:
    """Make them if nobody has to be asked; else, or if it fails, say what is left to do. The authority stays.

    Args:
        installation: It was made in.
        authority: Complete; one without URLs of its own publishes nothing.
        secrets: Those given for its key.
    """
    if not (authority.issuing.crl_urls or authority.issuing.ocsp_urls):
        return
    failures: tuple[AnchorholdError, ...]
    try:
        maintained = installation.maintain(authority, secrets)
        failures = maintained.failures
        for done in maintained.done:
            say(f"{authority.name}: {done}")
    except AnchorholdError as error:
        failures = (error,)
    for failure in failures:
        if not isinstance(failure, SecretMissingError):
            say(f"{authority.name} is made, but {failure.problem}; {failure.hint}.")
    if failures and (left := [f"`{command}`" for command in _left(installation, authority)]):
        say(f"Its first CRL and OCSP responder are not all there: run {' and '.join(left)}.")


def _left(installation: Installation, authority: Authority) -> Iterator[str]:
    """The commands that make what is not there; they ask for what they need."""
    name = shlex.quote(authority.name)
    with installation.ledger.guarded():
        if installation.ledger.crls.last(authority.record.id, None) is None:
            yield f"anchorhold generate-crls {name}"
        if installation.ledger.responders.active(authority.record.id) is None:
            yield f"anchorhold regenerate-ocsp-keys {name}"
