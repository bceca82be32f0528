"""Every command: what it is for, where it is, and what it does with keys.

The root help and the suggestions come from here, so that no command is imported for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from anchorhold.seam.requests import Operation


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    Attributes:
        summary: One sentence for the list of commands.
        target: ``module:function`` below `anchorhold.cli.commands`, or ``module:app`` for a group of commands.
        operations: What it does with keys of an alias, one of these at a time; adds the options of each alias.
        parent: Whether it uses the key of a parent authority too.
    """

    summary: str
    target: str
    operations: tuple[Operation, ...] = ()
    parent: bool = False


COMMANDS: Final = {
    "quickstart": Command("Make a root, an issuing CA and a server certificate.", "quickstart:quickstart"),
    "init-ca": Command("Create a certificate authority.", "init_ca:init_ca", ("create", "adopt"), parent=True),
    "import-ca": Command("Import a certificate authority made elsewhere.", "import_ca:import_ca", ("import", "adopt")),
    "edit-ca": Command("Change the settings of a certificate authority.", "edit_ca:edit_ca"),
    "list-cas": Command("List certificate authorities.", "list_cas:list_cas"),
    "view-ca": Command("Show a certificate authority.", "view_ca:view_ca", ("use",)),
    "move-key": Command("Move the key of an authority to another key backend.", "move_key:move_key", ("import", "use")),
    "sign-cert": Command("Sign a certificate from a CSR.", "sign_cert:sign_cert", ("use",)),
    "list-certs": Command("List certificates.", "list_certs:list_certs"),
    "view-cert": Command("Show a certificate.", "view_cert:view_cert"),
    "recover": Command("Finish or abandon what was interrupted.", "recover:recover", ("use",), parent=True),
    "backends": Command("Show key backends: installed, configured, usable.", "backends:backends"),
    "config": Command("Show, check or write the settings.", "config:app"),
}
"""In the order of the help."""


def canonical(name: str) -> str:
    """The name of a command; underscores are read as hyphens."""
    return name.replace("_", "-")
