"""The whole life of keys in one child process that is watched: what it does to its surroundings, and what it leaves."""

from __future__ import annotations

import json
import re
import tempfile
import threading
import time
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from anchorhold import pkcs8
from anchorhold.public_keys import spec_of
from anchorhold.testing import private_key_search, process_state
from anchorhold.testing.foreign_keys import foreign_key
from anchorhold.testing.harness import MESSAGE, until_free
from anchorhold.testing.key_kinds import algorithms
from anchorhold.testing.listing import look
from anchorhold.testing.subprocess_runner import as_json
from anchorhold.testing.traces import Traces, files_below, open_to_everybody, stamp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchorhold.plugin import CreatedKey
    from anchorhold.testing.harness import Harness

ROUNDS: Final = 5
"""How often a signer is loaded and closed while threads and descriptors are counted."""
_FEW: Final = 10_000
"""Files that are looked at in one place; a place with more of them is not a folder of keys."""
_SYSTEM: Final = re.compile("/(?:bin|boot|dev(?!/shm)|etc|lib|opt|proc|run|sbin|sys|usr)")
_PATH: Final = re.compile(r"(?<![\w.~])/[^\s\"',;?\]]+")
_PATIENCE: Final = 2.0
"""Seconds in which threads that are about to end do so."""


def live(harness: Harness) -> dict[str, Any]:
    """Make, use, import, export and delete keys; answer with all that `anchorhold.testing.surroundings` judges."""
    traces, before, files = Traces(), process_state.state(), _Files(harness)
    traces.listen()
    keys, secrets = _keys(harness)
    signatures, more = _signatures(harness, keys[0])
    look(harness, keys[0])
    for name in harness.given_secrets:  # which a backend may ask for if they are not given
        harness.fresh().usable(keys[0], harness.given_secrets.without(name))
    if harness.backend.supports("delete_key"):
        harness.delete(harness.create())
    harness.close()
    written = files.written(traces)
    return {
        "keys": [as_json(key) for key in keys],
        "signatures": signatures,
        "changed": process_state.changed(before),
        "more": more,
        "lingering": _lingering(),
        "left": [path.name for path in files_below([Path.cwd(), Path(tempfile.gettempdir())])],
        "questions": traces.questions,
        "known": bool(secrets),
        "plain": [str(path) for path in written if any(private_key_search.file_shows(path, each) for each in secrets)],
        "plain_handles": any(_handle_shows(key, each) for key in keys for each in secrets),
        "open": [str(path) for path in written if open_to_everybody(path, traces.folders)],
    }


class _Files:
    """Files in the folder of the test and in those that the settings name; folders of the system hold no keys.

    Files of the contract itself are left out.
    """

    def __init__(self, harness: Harness) -> None:
        self._ours = harness.config.parent
        named = [Path(re.sub("^/+", "/", found)) for found in _PATH.findall(harness.config.read_text())]
        folders = [path for path in named if len(path.parts) > 2 and not _SYSTEM.match(str(path))]
        self._places = [self._ours.parent, *folders]
        self._before = {path: stamp(path) for path in self._all()}

    def written(self, traces: Traces) -> list[Path]:
        """Those that are new or not as they were, wherever they are."""
        changed = {path for path in self._all() if stamp(path) != self._before.get(path)}
        return sorted({*changed, *(path for path in map(Path, traces.files) if self._is_theirs(path))})

    def _all(self) -> Iterator[Path]:
        found = chain.from_iterable(islice(files_below([place]), _FEW) for place in self._places)
        return filter(self._is_theirs, found)

    def _is_theirs(self, path: Path) -> bool:
        ours = path.is_relative_to(self._ours) and not path.is_relative_to(Path.cwd().parent)
        return not ours and "__pycache__" not in path.parts


def _keys(harness: Harness) -> tuple[list[CreatedKey], list[tuple[bytes, ...]]]:
    """Keys that are made and imported, and what gives those away whose private half is known."""
    keys, secrets = [harness.create()], []
    if harness.backend.supports("import_key"):
        given = foreign_key(harness)[0]
        secrets.append(_marks(given.reveal_bytes()))
        keys.append(harness.import_key(given))
    if harness.backend.supports("export_key"):
        secrets.append(_marks(harness.export(keys[0]).reveal_bytes()))
    return keys, secrets


def _marks(pem: bytes) -> tuple[bytes, ...]:
    return private_key_search.marks(pkcs8.load_private_key(pem, None, "key of the contract"))


def _handle_shows(key: CreatedKey, secret: tuple[bytes, ...]) -> bool:
    return private_key_search.shows(json.dumps(dict(key.handle.data), default=repr).encode(), secret)


def _signatures(harness: Harness, key: CreatedKey) -> tuple[list[str], dict[str, int]]:
    """Signatures, and how many more threads and descriptors there are after some signers than after the first."""
    made = [_signature(harness, key, 0)]
    before = _held()
    made += [_signature(harness, key, number) for number in range(1, ROUNDS + 1)]
    return made, {name: count - before[name] for name, count in _held().items()}


def _signature(harness: Harness, key: CreatedKey, number: int) -> str:
    with harness.lent(key) as signer:
        algorithm = algorithms(spec_of(signer.public_key), harness.offered)[0]
        return until_free(lambda: signer.sign(MESSAGE + b", %d" % number, algorithm)).hex()


def _held() -> dict[str, int]:
    return {"threads": threading.active_count(), "descriptors": process_state.descriptors()}


def _lingering() -> list[str]:
    until = time.monotonic() + _PATIENCE
    while process_state.lingering() and time.monotonic() < until:
        time.sleep(_PATIENCE / 20)
    return process_state.lingering()
