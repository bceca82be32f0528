"""Idempotency keys: a request that is repeated is done once.

The key is claimed before the act, in a row with no answer yet; its answer is put there after it. What a repeat gets:

- the act is under way: it is refused, and may be repeated later;
- the act was done: it gets the same answer, unless that had a secret, which is kept nowhere;
- the act failed: it is done, for nothing is kept of a failure;
- the process that had claimed it was killed: it is refused until the claim is old, and then done as one that may have
  been done before, so that what is in the ledger is used rather than made twice.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from anchorhold_desk.desk_errors import AnswerNotKeptError, InProgressError, KeyReusedError
from anchorhold_desk.store import timestamp

if TYPE_CHECKING:
    from anchorhold_desk.store import Store

CLAIM_LIFE: Final = 600
"""Seconds for which a claim holds; longer than any act takes."""
KEPT: Final = 86_400
"""Seconds for which answers are kept."""
CLAIMED: Final = 0
FAILED: Final = -1
"""In the place of a status: the act is under way, and it failed."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to do what was asked for.

    Attributes:
        account: Whose key it is.
        key: The key.
        at: When it was claimed.
        again: Whether the same may have been done before.
    """

    account: int
    key: str
    at: int
    again: bool

    @property
    def correlation_id(self) -> str:
        """By which the history of the ledger finds what was done under this key."""
        return hashlib.sha256(f"{self.account}:{self.key}".encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What was answered.

    Attributes:
        status: Of HTTP.
        body: Its content.
    """

    status: int
    body: str


class Answers:
    """The answers to requests with an idempotency key.

    Args:
        store: Where they are.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def claim(self, account: int, key: str, digest: str) -> Claim | KeptAnswer:
        """Claim a key, or tell what was answered.

        Raises:
            KeyReusedError: It was used for something else.
            InProgressError: What was asked for is under way.
            AnswerNotKeptError: It was done, and the answer was not kept.
        """
        now = timestamp()
        row = {"account": account, "key": key, "digest": digest, "status": CLAIMED, "body": "", "at": now}
        with self._store.transaction() as tables:
            answer = tables.answer
            answer.delete().where(answer.at < now - KEPT).execute()
            if answer.insert(row).on_conflict_ignore().as_rowcount().execute():
                return Claim(account, key, now, again=False)
            mine = (answer.account == account) & (answer.key == key)
            known = answer.get(mine)
            if known.digest != digest:
                raise KeyReusedError("Idempotency-Key: was used for another request", hint="use a new one")
            over = (answer.status == FAILED) | ((answer.status == CLAIMED) & (answer.at <= now - CLAIM_LIFE))
            taken = answer.update({"status": CLAIMED, "at": now}).where(mine & over).execute()
        return Claim(account, key, now, again=True) if taken else _kept(known, now)

    def finish(self, claim: Claim, status: int, body: str) -> None:
        """Keep the answer, or that the act has failed; not where another has taken the claim meanwhile."""
        with self._store.transaction() as tables:
            answer = tables.answer
            mine = (answer.account == claim.account) & (answer.key == claim.key)
            held = mine & (answer.status == CLAIMED) & (answer.at == claim.at)
            answer.update({"status": status, "body": body}).where(held).execute()


def _kept(row: Any, now: int) -> KeptAnswer:
    if row.status <= CLAIMED:
        seconds = max(1, row.at + CLAIM_LIFE - now)
        raise InProgressError(
            "Idempotency-Key: the request is under way, or was cut off",
            hint=f"repeat it later; what was cut off can be repeated in {seconds} s",
            retry_after=seconds,
        )
    if not row.body:
        raise AnswerNotKeptError(
            "Idempotency-Key: it was done, and the answer had a secret, which is not kept", hint="make a new one"
        )
    return KeptAnswer(row.status, row.body)
