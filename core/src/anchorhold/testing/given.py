"""Secrets that the contract is given."""

from __future__ import annotations


class Given(dict[str, str]):
    """Values of secrets by name. Its repr does not show them: pytest prints the arguments of what fails."""

    def __repr__(self) -> str:
        return f"<secrets: {', '.join(self) or 'none'}>"

    def but(self, name: str, value: str) -> Given:
        """The same with another value for one of them."""
        return Given({**self, name: value})

    def without(self, name: str) -> Given:
        """The same without one of them."""
        return Given({other: value for other, value in self.items() if other != name})
