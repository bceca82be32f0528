"""What a child process of the contract does with a wrapper: sign, fork, and sign on both sides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anchorhold.plugin import SignRequest
from anchorhold.testing import crash_injection
from anchorhold.testing.harness import CA, MESSAGE
from anchorhold.testing.key_kinds import algorithms
from anchorhold.testing.subprocess_runner import from_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anchorhold.testing.harness import Harness


def fork(harness: Harness, key: Mapping[str, Any]) -> dict[str, Any]:
    """Sign probes with an instance that was constructed before the fork."""
    signer = harness.load(from_json(key))
    algorithm = algorithms(harness.kind, harness.offered)[0]
    request = SignRequest(message=MESSAGE, algorithm=algorithm, purpose="probe", ca=CA)

    def signs() -> str:
        try:
            return "" if harness.call("sign", request=request, signer=signer) else "nothing"
        except Exception as error:  # told to whoever judges it
            return f"{type(error).__name__}: {error}"

    before = signs()
    forked = crash_injection.run_in_fork(signs, wait=False)
    told = {"before the fork": before, "in the parent": signs(), "in the child": forked.answer()}
    return {f"{who}{f' ({problem})' if problem else ''}": not problem for who, problem in told.items()}
