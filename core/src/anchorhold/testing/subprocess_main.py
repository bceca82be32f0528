"""A child process of the contract, forked by `anchorhold.testing.nursery`: JSON on standard input says what it does.

It answers with JSON through a pipe of its own. An error ends it with a traceback on standard error.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from anchorhold.algorithms import KeySpec
from anchorhold.errors import AnchorholdError
from anchorhold.plugin import Capabilities
from anchorhold.plugin.backend_options import options_of
from anchorhold.testing import crash_injection, listing, places, whole_life
from anchorhold.testing.fast_kdf import fast_kdf
from anchorhold.testing.harness import Harness
from anchorhold.testing.secret_values import SecretValues
from anchorhold.testing.subprocess_runner import as_json, from_json
from anchorhold.testing.wrappers import fork_step

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from anchorhold.plugin import CreatedKey, Operation

OPERATIONS: Final[tuple[Operation, ...]] = ("create", "import", "adopt", "use")


def use(harness: Harness, key: Mapping[str, Any]) -> dict[str, Any]:
    """Sign with a key by its handle alone."""
    return {"signs": harness.use(from_json(key))}


def look(harness: Harness, key: Mapping[str, Any], key_id: str) -> dict[str, Any]:
    """Whether a key can be used, and whether it is found (None if the backend does not search)."""
    try:
        signs = harness.use(from_json(key))
    except AnchorholdError:
        signs = False
    searches = harness.backend.supports("find_key")
    return {"signs": signs, "found": len(harness.find(bytes.fromhex(key_id))) if searches else None}


def find(harness: Harness, key_id: str) -> list[dict[str, Any]]:
    """Find keys by their id."""
    return [as_json(found) for found in harness.find(bytes.fromhex(key_id))]


def create(harness: Harness, count: int, shared: Mapping[str, Any], contested: Sequence[str] = ()) -> dict[str, Any]:
    """Make keys and sign with each of them, and with one that other processes use too; begins when it is told to.

    Of the ids that are contested it makes those keys that no other process has made before it.
    """
    common = from_json(shared)
    harness.use(common)  # imports and connections are not what processes are to do at once
    _CHANNEL.say("ready")
    sys.stdin.readline()
    won = [key for key_id in contested for key in _made_first(harness, bytes.fromhex(key_id))]
    made = [harness.create() for _ in range(count)]
    if not all(harness.use(key) for key in (*made, common)):
        raise ValueError("a signature does not verify")
    return {"made": [as_json(created) for created in made], "won": [as_json(created) for created in won]}


def _made_first(harness: Harness, key_id: bytes) -> list[CreatedKey]:
    try:
        return [harness.create(key_id=key_id)]
    except AnchorholdError:
        return []


def fork(harness: Harness, key: Mapping[str, Any]) -> dict[str, Any]:
    """Sign, fork, and sign in both processes at once: with a signer that was open, and with others loaded since."""
    opened = harness.load(from_json(key))
    before = harness.signs(opened)
    forked = crash_injection.run_in_fork(lambda: (_signs_often(harness, key), harness.signs(opened)), wait=False)
    parent = _signs_often(harness, key), harness.signs(opened)
    told = {"in the parent": parent, "in the child": forked.answer()}
    opened.close()
    after = {f"{who}, after the fork": all(good) for who, good in told.items()}
    return {"before the fork": before, **after}


def _signs_often(harness: Harness, key: Mapping[str, Any]) -> bool:
    return all(harness.use(from_json(key)) for _ in range(5))


def killed(harness: Harness, most: int) -> list[dict[str, Any]]:
    """Kill creations at several moments; what was left each time."""
    return crash_injection.crash_creations(harness, most)


def begin(harness: Harness) -> dict[str, Any]:
    """Import the backend, construct it and ask for its options: what this loads beyond core, and how long it takes."""
    harness.installation.loaded  # noqa: B018  # read the settings before the clock starts
    before, began = set(sys.modules), time.perf_counter()
    for operation in OPERATIONS:
        options_of(harness.backend, operation)
    took = time.perf_counter() - began
    new = set(sys.modules) - before
    packages = {name.partition(".")[0] for name in new} - {name.partition(".")[0] for name in before}
    return {"modules": len(new), "packages": sorted(packages), "milliseconds": 1000 * took}


STEPS: Final[dict[str, Callable[..., Any]]] = {
    "use a key": use,
    "look for a key": look,
    "find keys": find,
    "list keys": listing.list_ids,
    "describe keys": listing.describe,
    "create keys": create,
    "fork": fork,
    "fork around a wrapper": fork_step.fork,
    "be killed": killed,
    "start": begin,
    "live": whole_life.live,
    "look for a key elsewhere": places.look_around,
}
"""What a child can do, by its name in messages."""


def _bench(told: Mapping[str, Any]) -> Harness:
    kind = KeySpec(**told["kind"])
    offered = Capabilities(
        key_types=(kind.type,),
        curves=(kind.curve,) if kind.curve else (),
        rsa_sizes=(kind.size, kind.size) if kind.size else Capabilities().rsa_sizes,
        hashes=tuple(told["hashes"]),
        rsa_paddings=tuple(told["rsa_paddings"]),
    )
    return Harness(
        config=Path(told["config"]),
        alias=told["alias"],
        role=told["role"],
        offered=offered,
        given_secrets=SecretValues(told["given"]),
        key_options=told["key_options"],
    )


@dataclass
class _Channel:
    """Where answers go, which is not where a backend prints.

    Attributes:
        descriptor: Of a pipe.
    """

    descriptor: int = -1

    def say(self, line: str) -> None:
        with os.fdopen(os.dup(self.descriptor), "w") as answers:
            answers.write(f"{line}\n")


_CHANNEL: Final = _Channel()


def main(answers: int) -> None:
    """Do what standard input says, and end the process.

    Args:
        answers: The descriptor for what it answers.
    """
    _CHANNEL.descriptor = answers
    try:
        told = json.loads(sys.stdin.readline())
        harness = _bench(told["bench"])
        with fast_kdf():
            answer = STEPS[told["step"]](harness, **told["told"])
        harness.close()
        _CHANNEL.say(json.dumps(answer))
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)  # libraries with threads of their own may not come to an end
