"""A certificate authority toolkit whose private keys live wherever you plug them in.

From Python::

    import anchorhold

    with anchorhold.open_installation() as installation:
        root = installation.authorities.create("Root", "CN=Example Root", path_length=1)
        installation.authorities.create("Issuing", "CN=Example Issuing", parent=root, path_length=0)
        with installation.certificates.issuer("Issuing") as issuer:
            issued = issuer.sign(anchorhold.Order(csr=csr, names=["example.com"]))

Authors of key backends and wrappers import from `anchorhold.plugin`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anchorhold.algorithms import Algorithm, KeySpec, key_spec
    from anchorhold.errors import AnchorholdError
    from anchorhold.installation import Installation, open_installation
    from anchorhold.ledger import IssuancePolicy
    from anchorhold.operations.authority import Authority
    from anchorhold.operations.issuer import Issuer
    from anchorhold.operations.order import Issued, Order, Refusal
    from anchorhold.secret import Secret

__all__ = [
    "Algorithm",
    "AnchorholdError",
    "Authority",
    "Installation",
    "IssuancePolicy",
    "Issued",
    "Issuer",
    "KeySpec",
    "Order",
    "Refusal",
    "Secret",
    "key_spec",
    "open_installation",
]

_HOMES = {
    "Algorithm": "algorithms",
    "AnchorholdError": "errors",
    "Authority": "operations.authority",
    "Installation": "installation",
    "Issued": "operations.order",
    "Issuer": "operations.issuer",
    "IssuancePolicy": "ledger",
    "KeySpec": "algorithms",
    "Order": "operations.order",
    "Refusal": "operations.order",
    "Secret": "secret",
    "key_spec": "algorithms",
    "open_installation": "installation",
}
"""Imported when first used, so that the command line starts quickly."""


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"anchorhold.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
