"""What all errors have that anchorhold raises on purpose: words, a code, and what mends them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchorhold.remedy import Remedy


class AnchorholdError(Exception):
    """What is wrong, and what to do about it.

    Args:
        problem: ``subject: what is wrong``, without a full stop and without any secret.
        hint: What the reader can do, as an imperative sentence without a full stop. It names no command and no option:
            the reader may be at a web page.
        remedy: The operation that does it. The command line appends "with" and its command, so the hint ends
            where that reads well.

    Attributes:
        issued: What `anchorhold.operations.issuer.Issuer.sign_many` had issued (`anchorhold.operations.order.Issued`)
            before it failed, in the order of the orders: it is in the ledger, and would be lost to the caller.
    """

    code: ClassVar[str] = "internal-error"
    exit_code: ClassVar[int] = 1
    issued: Sequence[Any] = ()

    def __init__(self, problem: str, *, hint: str, remedy: Remedy | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.hint = hint
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.problem}; {self.hint}"

    def __reduce__(self) -> tuple[object, tuple[type[AnchorholdError], str, str, Remedy | None], dict[str, Any]]:
        kept = {name: vars(self)[name] for name in _KEPT if name in vars(self)}
        return _restored, (type(self), self.problem, self.hint, self.remedy), kept

    def add_step(self, hint: str, remedy: Remedy) -> None:
        """Add a further step; an existing remedy is kept.

        Args:
            hint: As of an error.
            remedy: The operation that does it.
        """
        if self.remedy is None:
            self.hint, self.remedy = f"{self.hint}, and {hint}", remedy
        else:
            self.hint = f"{hint}, and {self.hint}"  # the end of a hint is what its remedy does

    @classmethod
    def title(cls) -> str:
        """The kind of error in words, the same for each error of its class."""
        return cls.code.replace("-", " ").capitalize()

    def to_json(self) -> dict[str, Any]:
        """The error as a JSON object: ``code``, ``title``, ``detail``, ``hint`` and ``remedy`` (null if none)."""
        return {
            "code": self.code,
            "title": self.title(),
            "detail": self.problem,
            "hint": self.hint,
            "remedy": None if self.remedy is None else self.remedy.to_json(),
        }

    def to_problem(self) -> dict[str, Any]:
        """The error as problem details (RFC 9457, section 3), for ``application/problem+json``.

        ``code``, ``hint`` and ``remedy`` are extension members (section 3.2). ``status`` is left to the server.
        """
        return {"type": f"urn:anchorhold:error:{self.code}", **self.to_json()}


_KEPT: Final[tuple[str, ...]] = ("issued", "reason", "retry_after")
"""What an error keeps when it crosses a process boundary, beside its words."""


def _restored(kind: type[AnchorholdError], problem: str, hint: str, remedy: Remedy | None) -> AnchorholdError:
    """An error that crossed a process boundary; a class of a plugin may take no remedy."""
    error = kind(problem, hint=hint)
    error.remedy = remedy
    return error
