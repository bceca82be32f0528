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


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    Attributes:
        summary: One sentence for the list of commands.
        target: ``module:function`` below `anchorhold.cli.commands`, or ``module:app`` for a group of commands; empty
            for a command of another distribution, which offers it in the group ``anchorhold.commands``.
        operations: What it does with keys of an alias, one of these at a time; adds the options of each alias.
        parent: Whether it uses the key of a parent authority too.
        distribution: Where it comes from, if not from here.
        creates: Whether it may make the ledger, because it makes authorities; no other command makes one.
    """

    summary: str
    target: str
    operations: tuple[Operation, ...] = ()
    parent: bool = False
    distribution: str | None = None
    creates: bool = False


COMMANDS: Final = {
    "quickstart": Command(
        "Make a root, an issuing CA and a server certificate.", "quickstart:quickstart", creates=True
    ),
    "init-ca": Command(
        "Create a certificate authority.", "init_ca:init_ca", ("create", "adopt"), parent=True, creates=True
    ),
    "import-ca": Command(
        "Import a certificate authority made elsewhere.", "import_ca:import_ca", ("import", "adopt"), creates=True
    ),
    "edit-ca": Command("Change the settings of a certificate authority.", "edit_ca:edit_ca"),
    "list-cas": Command("List certificate authorities.", "list_cas:list_cas"),
    "view-ca": Command("Show a certificate authority.", "view_ca:view_ca", ("use",)),
    "move-key": Command("Move the key of an authority to another key backend.", "move_key:move_key", ("import", "use")),
    "sign-cert": Command("Sign a certificate from a CSR.", "sign_cert:sign_cert", ("use",)),
    "list-certs": Command("List certificates.", "list_certs:list_certs"),
    "view-cert": Command("Show a certificate.", "view_cert:view_cert"),
    "import-cert": Command("Record a certificate made elsewhere.", "import_cert:import_cert"),
    "revoke-cert": Command("Revoke a certificate.", "revoke_cert:revoke_cert"),
    "generate-crls": Command("Make certificate revocation lists.", "generate_crls:generate_crls", ("use",)),
    "dump-crl": Command("Write a certificate revocation list.", "dump_crl:dump_crl"),
    "regenerate-ocsp-keys": Command(
        "Renew keys of OCSP responders.", "regenerate_ocsp_keys:regenerate_ocsp_keys", ("use",)
    ),
    "maintain": Command("Renew CRLs and OCSP responders before they run out.", "maintain:maintain"),
    "serve": Command(
        "Answer OCSP, and publish CRLs and certificates of authorities.", "", distribution="anchorhold-server"
    ),
    "recover": Command("Finish or abandon what was interrupted.", "recover:recover", ("use",), parent=True),
    "profiles": Command("List profiles, or show what certificates of one contain.", "profiles:profiles"),
    "history": Command("Show what was done, by whom and when.", "history:history"),
    "backends": Command(
        "Show key backends, installed and configured, and whether keys can be used.", "backends:backends"
    ),
    "new-backend": Command("Write the package of a key backend of your own.", "new_backend:new_backend"),
    "config": Command("Show, check or write the settings.", "config:app"),
}
"""In the order of the help."""


COMMAND_ALIASES: Final = {"generate-ocsp-keys": "regenerate-ocsp-keys"}


def canonical(name: str) -> str:
    """The name of a command; underscores are read as hyphens, and some commands have an older name too."""
    name = name.replace("_", "-")
    return COMMAND_ALIASES.get(name, name)
