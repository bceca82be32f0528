"""Every command: what it is for, where it is, and what it does with keys.

The root help and the suggestions come from here, so that no command is imported for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from anchorhold.plugin.requests import Operation


COMMANDS_GROUP: Final = "anchorhold.commands"
"""The entry-point group in which other distributions offer commands of the table."""


AUTHORITIES: Final = "Authorities"
CERTIFICATES: Final = "Certificates"
REVOCATION: Final = "Revocation"
OPERATION: Final = "Operation"
SETTINGS: Final = "Backends and settings"


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    Attributes:
        group: Heading of the root help under which it is listed.
        summary: One sentence for the list of commands.
        target: ``module:function`` below `anchorhold.cli.commands`, or ``module:app`` for a group of commands; empty
            for a command of another distribution, which offers it in the group ``anchorhold.commands``.
        operations: What it does with keys of an alias, one of these at a time; adds the options of each alias.
        parent: Whether it uses the key of a parent authority too.
        distribution: The distribution that contains it, if not this one.
        creates: Whether it may create the ledger, because it creates authorities; no other command does.
    """

    group: str
    summary: str
    target: str
    operations: tuple[Operation, ...] = ()
    parent: bool = False
    distribution: str | None = None
    creates: bool = False


COMMANDS: Final = {
    "quickstart": Command(
        AUTHORITIES, "Create a root, an issuing CA and a server certificate.", "quickstart:quickstart", creates=True
    ),
    "init-ca": Command(
        AUTHORITIES,
        "Create a certificate authority.",
        "init_ca:init_ca",
        ("create", "adopt"),
        parent=True,
        creates=True,
    ),
    "import-ca": Command(
        AUTHORITIES,
        "Import an existing certificate authority.",
        "import_ca:import_ca",
        ("import", "adopt"),
        creates=True,
    ),
    "edit-ca": Command(AUTHORITIES, "Change the settings of a certificate authority.", "edit_ca:edit_ca"),
    "list-cas": Command(AUTHORITIES, "List certificate authorities.", "list_cas:list_cas"),
    "view-ca": Command(AUTHORITIES, "Show a certificate authority.", "view_ca:view_ca", ("use",)),
    "move-key": Command(
        AUTHORITIES, "Move the key of an authority to another backend.", "move_key:move_key", ("import", "use")
    ),
    "sign-cert": Command(CERTIFICATES, "Issue a certificate for a CSR.", "sign_cert:sign_cert", ("use",)),
    "list-certs": Command(CERTIFICATES, "List certificates.", "list_certs:list_certs"),
    "view-cert": Command(CERTIFICATES, "Show a certificate.", "view_cert:view_cert"),
    "import-cert": Command(CERTIFICATES, "Record a certificate issued elsewhere.", "import_cert:import_cert"),
    "profiles": Command(CERTIFICATES, "List certificate profiles, or show one.", "profiles:profiles"),
    "advise": Command(CERTIFICATES, "Show which programs refuse what is here.", "advise:advise"),
    "revoke-cert": Command(REVOCATION, "Revoke a certificate.", "revoke_cert:revoke_cert"),
    "generate-crls": Command(
        REVOCATION, "Generate certificate revocation lists.", "generate_crls:generate_crls", ("use",)
    ),
    "dump-crl": Command(REVOCATION, "Write a certificate revocation list to a file.", "dump_crl:dump_crl"),
    "regenerate-ocsp-keys": Command(
        REVOCATION, "Renew the keys of OCSP responders.", "regenerate_ocsp_keys:regenerate_ocsp_keys", ("use",)
    ),
    "generate-ocsp-responses": Command(
        REVOCATION, "Write OCSP responses to files for a web server.", "generate_ocsp_responses:generate_ocsp_responses"
    ),
    "maintain": Command(OPERATION, "Renew CRLs and OCSP responders before they expire.", "maintain:maintain"),
    "serve": Command(
        OPERATION, "Serve OCSP, CRLs and CA certificates over HTTP.", "", distribution="anchorhold-server"
    ),
    "desk": Command(OPERATION, "Serve the web page and the REST API for people.", "", distribution="anchorhold-desk"),
    "worker": Command(OPERATION, "Lend keys of this host to other hosts.", "", distribution="anchorhold-celery"),
    "recover": Command(
        OPERATION, "Finish or abandon interrupted operations.", "recover:recover", ("use",), parent=True
    ),
    "workers": Command(OPERATION, "Show workers that sign for other hosts.", "workers:workers"),
    "history": Command(OPERATION, "Show what happened, who did it and when.", "history:history"),
    "backends": Command(SETTINGS, "Show key backends and whether keys are usable.", "backends:backends"),
    "new-backend": Command(SETTINGS, "Write a Python package for a new key backend.", "new_backend:new_backend"),
    "new-wrapper": Command(SETTINGS, "Write a Python package for a new wrapper.", "new_wrapper:new_wrapper"),
    "config": Command(SETTINGS, "Show, check or write the settings.", "config:app"),
}
"""In the order of the help; commands of one group follow each other."""


COMMAND_ALIASES: Final = {"generate-ocsp-keys": "regenerate-ocsp-keys"}


def canonical(name: str) -> str:
    """The name of a command; underscores are read as hyphens, and some commands have an older name too."""
    name = name.replace("_", "-")
    return COMMAND_ALIASES.get(name, name)
