"""The rules of the contract: one table, and what ties each test to its rule."""

from __future__ import annotations

import functools
import re
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Final, ParamSpec

from anchorhold.errors import AnchorholdError
from anchorhold.testing.time_limit import TooLongError, limited

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

P = ParamSpec("P")

GUIDE: Final = "docs/authors/contract.md"
"""The page of the guide that explains each rule; `EXPLAINED` has the same text for those who have no guide at hand."""
EXPLAINED: Final = "rule_explanations.md"
TIME_LIMIT: Final = 180.0
"""Seconds that one test of a rule may take, where its class says nothing else."""
_SECTION: Final = re.compile(r"^### (\S+) \{ #\S+ \}\n\n\*\*[^*]+\*\*(.*?)(?=^#|\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        id: Its name, such as ``create.no-overwrite``.
        sentence: What it demands.
        slow: Whether its tests start processes, build commands or make an authority.
    """

    id: str
    sentence: str
    slow: bool = False

    @property
    def anchor(self) -> str:
        """Where it is explained: a place in `GUIDE`."""
        return f"{GUIDE}#{self.id.replace('.', '-')}"

    @property
    def explanation(self) -> str:
        """What the guide says about it."""
        return _explanations()[self.id]


@functools.cache
def _explanations() -> dict[str, str]:
    return explanations_in(files("anchorhold.testing").joinpath(EXPLAINED).read_text(encoding="utf-8"))


def explanations_in(text: str) -> dict[str, str]:
    """What a page of the guide says about each of its rules, by their ids."""
    return {found[1]: _one_line_each(found[2]) for found in _SECTION.finditer(text)}


def _one_line_each(paragraphs: str) -> str:
    return "\n".join(" ".join(paragraph.split()) for paragraph in paragraphs.strip().split("\n\n"))


_TABLE: Final = (
    Rule("plugin.binds", "Core binds the backend under an alias: required hooks, arguments and API version are right."),
    Rule("create.every-kind", "create_key makes every declared kind of key, and that very kind."),
    Rule("create.public-key", "The public key that create_key answers is the one of the key that signs."),
    Rule("create.fresh", "Every created key is a new one, with a handle of its own."),
    Rule("create.no-overwrite", "create_key never replaces a key that has the same key id."),
    Rule("create.similar-ids", "Key ids that differ in a single octet are the ids of different keys."),
    Rule("find.by-id", "find_key finds exactly the key that has the key id, whole."),
    Rule("find.unknown", "find_key finds nothing under a key id that no key has."),
    Rule("adopt.by-options", "find_key without a key id finds what the options say, or refuses to search."),
    Rule("import.same-key", "import_key stores the key that it is given."),
    Rule("import.key-id", "An imported key is found by the key id that core drew for it."),
    Rule("import.no-overwrite", "import_key never replaces a key that has the same key id."),
    Rule("export.same-key", "export_key hands out the key itself, as unencrypted PEM PKCS#8 in a Secret."),
    Rule("delete.gone", "After delete_key the key is gone for every process.", slow=True),
    Rule("delete.twice", "delete_key answers True for a key that was there and False for one that was not."),
    Rule("delete.others-stay", "delete_key destroys no other key."),
    Rule("list.exact", "list_keys lists every key of the place once, by its key id, and no other.", slow=True),
    Rule("list.changes-nothing", "Listing and describing keys makes, changes and destroys none."),
    Rule("describe.true", "What describe_key says agrees with what the backend does with the key."),
    Rule("describe.stable", "describe_key says the same of a key in whatever process it is asked.", slow=True),
    Rule("describe.gone", "A key that is gone is not described."),
    Rule("use.gone", "A key that is gone cannot be used: no signer for it signs."),
    Rule("aliases.apart", "Two aliases neither see, use nor delete each other's keys."),
    Rule("handle.json", "A handle is a JSON object and comes back from JSON as it was."),
    Rule("handle.version", "A handle has a version: a whole number from 1 up to the handle_version of the class."),
    Rule("handle.stable", "The handle of a key is the same whenever and in whatever process it is found.", slow=True),
    Rule("handle.fresh-process", "A fresh process signs with the handle alone.", slow=True),
    Rule("handle.old-versions", "Handles of every older version still lead to their key."),
    Rule("handle.untouched", "No hook changes a handle, neither one that it is given nor one that it has answered."),
    Rule(
        "handle.place",
        "Where a key is depends on its handle and the options, and on nothing else around the process.",
        slow=True,
    ),
    Rule("sign.every-algorithm", "Every declared kind of key signs with every declared hash and padding."),
    Rule("sign.any-length", "A message of any length is signed as it is, hashed once."),
    Rule("sign.many-times", "A signer signs as often as it is asked to, rightly every time."),
    Rule("sign.nonces", "No two ECDSA signatures have the same r.", slow=True),
    Rule("sign.close", "close raises nothing, whether the signer has signed or not."),
    Rule("sign.closed", "A signer that was closed signs no more."),
    Rule("sign.signers-apart", "Signers of one key are apart: closing one leaves the others working."),
    Rule("sign.threads", "Threads share a signer and a backend."),
    Rule("batch.each-its-own", "Each answer of sign_batch is the signature over the request in the same place."),
    Rule("batch.refuses-one", "A request that cannot be signed is refused alone, and the others are signed."),
    Rule("batch.closed", "With a signer that was closed, sign_batch signs nothing."),
    Rule("batch.threads", "Threads sign batches at the same time."),
    Rule("processes.at-once", "Processes create and use keys at the same time.", slow=True),
    Rule("processes.fork", "After a fork both processes go on signing, with signers old and new.", slow=True),
    Rule(
        "processes.killed",
        "A process killed in the middle of create_key leaves a key that is found by its id, or nothing.",
        slow=True,
    ),
    Rule(
        "processes.unchanged",
        "What belongs to the whole process stays as it was: umask, folder, environment, signal handlers and others.",
        slow=True,
    ),
    Rule("processes.nothing-left", "No thread, descriptor or file is left behind by what is over.", slow=True),
    Rule("secrets.wrong", "A wrong secret opens nothing."),
    Rule("secrets.missing", "Without its secret a key cannot be used."),
    Rule("secrets.empty", "An empty secret neither opens a key nor makes one without protection."),
    Rule("secrets.whole", "Every octet of a secret counts, and it is taken as it is."),
    Rule("secrets.at-rest", "A private key that a secret protects lies nowhere in plain.", slow=True),
    Rule("secrets.files", "Files that are written with keys are closed to everybody but their owner.", slow=True),
    Rule("secrets.no-prompt", "The backend asks nobody: it declares what it needs, and core asks.", slow=True),
    Rule("secrets.not-in-repr", "No repr or str shows a secret."),
    Rule("secrets.not-in-handles", "No handle holds a secret."),
    Rule("secrets.not-in-lists", "No list of keys and no description shows a secret."),
    Rule("secrets.not-in-errors", "No error shows a secret, and neither do its cause and context."),
    Rule("secrets.not-in-logs", "No secret is logged, warned about or printed."),
    Rule("secrets.not-in-pickles", "No pickle holds a secret."),
    Rule("errors.types", "What goes wrong raises an error of the documented type."),
    Rule("errors.hint", "An error says what is wrong and, as its hint, what to do."),
    Rule("errors.unreachable", "A place that cannot be reached is an error, not the same as one without keys."),
    Rule("hooks.missing", "A hook that is not implemented is refused as such; one that is answers."),
    Rule("capabilities.declared", "Core refuses what is not declared before the backend is asked."),
    Rule("capabilities.offered", "What this instance does not offer is refused, with a list of what it does."),
    Rule("options.unknown", "An unknown option is refused by `config check` and when the alias is used."),
    Rule("options.validated", "A value of a wrong kind is refused for every option."),
    Rule("cli.names", "Options of the command line have good names and a help text, each once."),
    Rule("cli.collisions", "No option takes a flag or variable of core's or of another alias.", slow=True),
    Rule("ocsp.unattended", "Keys of OCSP responders are created, used and destroyed unattended.", slow=True),
    Rule("start.imports", "Importing the backend and showing its options loads no library of others.", slow=True),
    Rule("core.issues", "An authority with its key in this backend issues a certificate that verifies.", slow=True),
    Rule("core.catches-lies", "Core catches a signer of this backend that lies.", slow=True),
)

RULES: Final = {rule.id: rule for rule in _TABLE}
"""Every rule by its id, in the order of the guide."""


class UnmetError(AssertionError):
    """What a test has found instead of what it expects."""


class RuleBrokenError(AssertionError):
    """A rule of the contract is broken: which one, how, and what the guide says about it.

    Args:
        broken: The rule.
        found: What the test has found, or what was raised.
    """

    def __init__(self, broken: Rule, found: BaseException) -> None:
        what = str(found) if isinstance(found, UnmetError | TooLongError) else f"{type(found).__name__}: {found}"
        super().__init__(f"{broken.id}: {broken.sentence}\nFound: {what}\nThe guide says: {broken.explanation}")
        self.rule = broken


def expect(condition: object, found: str) -> None:
    """Fail unless the condition holds.

    Args:
        condition: Anything with a truth value.
        found: What is so instead, as a sentence without a full stop and without any secret.

    Raises:
        UnmetError: It does not hold.
    """
    __tracebackhide__ = True
    if not condition:
        raise UnmetError(found)


@contextmanager
def counted_as(name: str) -> Iterator[None]:
    """Count what goes wrong inside as a breach of one rule, whichever rule is tried.

    Args:
        name: The id of the rule.

    Raises:
        RuleBrokenError: Core refuses something inside.
    """
    try:
        yield
    except AnchorholdError as error:
        raise RuleBrokenError(RULES[name], error) from error


def rule(name: str) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Tie a test to the one rule it is for, so that its failures say so, and limit the time that it may take.

    Args:
        name: The id of the rule.
    """
    return tied_to(RULES[name])


def tied_to(found: Rule) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """The same for a rule of any table."""

    def tie(test: Callable[P, None]) -> Callable[P, None]:
        @functools.wraps(test)
        def checked(*args: P.args, **kwargs: P.kwargs) -> None:
            __tracebackhide__ = True
            limit = getattr(args[0], "time_limit", TIME_LIMIT) if args else TIME_LIMIT
            try:
                with limited(limit, "its test"):
                    test(*args, **kwargs)
            except RuleBrokenError:
                raise
            except Exception as error:
                raise RuleBrokenError(found, error) from error

        checked.contract_rule = found  # type: ignore[attr-defined]  # `rule_of` reads it
        return checked

    return tie


def rule_of(test: object) -> Rule | None:
    """The rule of a test; None if it is not one of the contract's."""
    found = getattr(test, "contract_rule", None)
    return found if isinstance(found, Rule) else None
