"""Finding out whether an installation can work, without using a key and without presenting a PIN or a password."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Final

from anchorhold.errors import AnchorholdError, BackendLoadError, SettingsError, UnknownAliasError
from anchorhold.ledger.database_check import check_database
from anchorhold.lent_keys import lent_here
from anchorhold.plugin import BACKENDS_GROUP
from anchorhold.plugin.discovery import damaged
from anchorhold.plugin.requests import SECTIONS
from anchorhold.profiles import find_default_profile
from anchorhold.remedy import Remedy
from anchorhold.secret import is_secret_reference, read_secret_file
from anchorhold.settings.masking import leaves

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from importlib.metadata import EntryPoint

    from anchorhold.installation import Installation
    from anchorhold.operations.authority import Authority
    from anchorhold.plugin import Role


CHECKS_GROUP: Final = "anchorhold.checks"
"""Entry points by which distributions check their own sections of the settings: functions of an installation."""


@dataclass(slots=True)
class Findings:
    """What was found out.

    Attributes:
        problems: What cannot work, each once.
        untested: What could not be checked here, in sentences.
    """

    problems: list[AnchorholdError] = field(default_factory=list)
    untested: list[str] = field(default_factory=list)

    def collecting(self, attempt: Callable[[], Iterable[str] | None]) -> bool:
        """Try something; what it gives could not be checked.

        Returns:
            Whether nothing was wrong.
        """
        try:
            self.untested += [sentence for sentence in attempt() or () if sentence not in self.untested]
        except AnchorholdError as error:
            if str(error) not in map(str, self.problems):
                self.problems.append(error)
            return False
        return True


def check_installation(installation: Installation) -> Findings:
    """Look at everything that the settings name, used or not, and at what the ledger needs of them."""
    findings, settings = Findings(), installation.loaded.settings
    for role in SECTIONS:
        for alias in installation.backends.aliases(role):
            findings.collecting(partial(_check_alias, installation, alias, role))
    for name in settings.storages:
        findings.collecting(partial(installation.backends.check_storage, name))
    for section in ("storages", *SECTIONS.values(), "wrappers"):
        for alias, entry in getattr(settings, section).items():
            for key, value in leaves((section, alias, "options"), entry.options):
                findings.collecting(partial(_check_reference, ".".join(key), value))
    findings.collecting(lambda: damaged(BACKENDS_GROUP))
    if settings.worker:
        _check_worker(installation, findings)
    findings.collecting(lambda: _check_profile(installation))
    findings.collecting(lambda: _check_ledger(installation, findings))
    return findings


def _check_worker(installation: Installation, findings: Findings) -> None:
    """Let each distribution that offers a worker look at its section."""
    checks = entry_points(group=CHECKS_GROUP, name="worker")
    if not checks:
        findings.untested.append("worker: no installed distribution reads this section, so it could not be checked")
    for check in checks:
        findings.collecting(partial(_check_section, check, installation))


def _check_section(check: EntryPoint, installation: Installation) -> Iterable[str]:
    """What a distribution says of its section; what it raises that is no error of ours is not shown."""
    try:
        return tuple(map(str, check.load()(installation)))
    except AnchorholdError:
        raise
    except Exception as error:
        name = "?" if check.dist is None else check.dist.name
        raise BackendLoadError(
            f"{check.name}: the check of {name} has failed ({type(error).__name__})",
            hint=f"upgrade {name}, or report it to its authors",
        ) from error


def _check_alias(installation: Installation, alias: str, role: Role) -> Iterable[str]:
    return installation.backends.get(alias, role).check_place()


def _check_profile(installation: Installation) -> None:
    settings = installation.loaded.settings
    find_default_profile(settings.default_profile, settings.profiles)


def _check_reference(key: str, value: Any) -> Iterable[str]:
    """What a reference to a secret leads to; the secret is not used."""
    if not is_secret_reference(value):
        return ()
    if "env" in value:
        unset = value["env"] not in os.environ
        return [f"{key}: the variable {value['env']} is not set here, so it could not be checked"] if unset else ()
    try:
        found = read_secret_file(value["file"])
    except SettingsError as error:
        raise SettingsError(f"{key}: {error.problem}", hint=error.hint) from error
    if not found:
        raise SettingsError(f"{key}: the file {value['file']} is empty", hint="write the secret into it")
    return ()


def _check_ledger(installation: Installation, findings: Findings) -> None:
    """Look into the ledger if that changes nothing in it."""
    if not check_database(installation.access.url, installation.access.absence):
        return
    for authority in installation.authorities.list():
        findings.collecting(partial(_check_authority, installation, authority))


def _check_authority(installation: Installation, authority: Authority) -> None:
    record, aliases = authority.record, installation.backends.aliases()
    if lent_here(record, installation.loaded.settings, aliases) is not None:
        return  # all else is with the host that asks for it
    if record.key_backend not in aliases:
        raise UnknownAliasError(
            f"authority {record.name!r}: its key is in {record.key_backend!r}, which is not among key_backends",
            hint="restore the configuration of that alias",
        )
    found = aliases[record.key_backend].backend_type
    if found != record.backend_type:
        raise SettingsError(
            f"authority {record.name!r}: its key is in {record.key_backend!r}, which was {record.backend_type!r} and "
            f"is {found!r} now",
            hint="restore the previous configuration of that alias",
        )
    profile = record.issuing.profile
    if profile is not None:
        find_default_profile(profile, installation.loaded.settings.profiles)
    responder = installation.ledger.responders.active(record.id)
    if responder is not None and responder.key_backend not in installation.backends.aliases("ocsp"):
        raise UnknownAliasError(
            f"authority {record.name!r}: the key of its OCSP responder is in {responder.key_backend!r}, which "
            "is no longer in ocsp_key_backends",
            hint="restore the configuration of that alias, or choose another one for the OCSP keys",
            remedy=Remedy("authorities.edit", {"authority": record.name, "ocsp_key_backend": None}),
        )
