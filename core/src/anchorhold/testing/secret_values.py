"""Secrets that the contract is given."""

from __future__ import annotations


class SecretValues(dict[str, str]):
    """Values of secrets by name. Its repr does not show them: pytest prints the arguments of what fails."""

    def __repr__(self) -> str:
        return f"<secrets: {', '.join(self) or 'none'}>"

    def but(self, name: str, value: str) -> SecretValues:
        """The same with another value for one of them."""
        return SecretValues({**self, name: value})

    def without(self, name: str) -> SecretValues:
        """The same without one of them."""
        return SecretValues({other: value for other, value in self.items() if other != name})
