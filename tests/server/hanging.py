"""Keys that hang for as long as a file exists: a backend of a token's kind, and a wrapper that asks somebody.

The code below is a plugin of its own, which the server imports; `HANGS` names the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

PLUGIN: Final = """
import os
import time
from pathlib import Path

from anchorhold.plugin import hookimpl
from anchorhold_storages import StoragesBackend


def wait():
    while Path(os.environ["HANGS"]).exists():
        time.sleep(0.02)


class Signer:
    def __init__(self, signer):
        self._signer, self.public_key = signer, signer.public_key

    def sign(self, message, algorithm):
        wait()
        return self._signer.sign(message, algorithm)

    def close(self):
        self._signer.close()


class Token(StoragesBackend):
    @hookimpl
    def load_signer(self, request, secrets):
        return Signer(super().load_signer(request, secrets))


class SlowToOpen(StoragesBackend):
    @hookimpl
    def load_signer(self, request, secrets):
        wait()
        return super().load_signer(request, secrets)


class Asking:
    anchorhold_api = 1

    def __init__(self, options, context):
        pass

    @hookimpl(wrapper=True)
    def sign(self, request, signer):
        if request.ca.name == "hanging":
            wait()
        return (yield)
"""
ENTRY_POINTS: Final = """[anchorhold.backends]
hanging-token = hanging_keys:Token
hanging-opening = hanging_keys:SlowToOpen
[anchorhold.wrappers]
hanging-wrapper = hanging_keys:Asking
"""
KINDS: Final = {
    "token": '[ocsp_key_backends.other]\nbackend = "hanging-token"\n',
    "opening": '[ocsp_key_backends.other]\nbackend = "hanging-opening"\n',
    "wrapper": '[ocsp_key_backends.other]\nbackend = "storages"\n[wrappers.hanging-wrapper]\n',
}
"""Settings by what hangs: keys under the alias `other`, or what is wrapped around them."""


def install_hanging(kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install the plugin and settings with it, for this process and for servers; returns the file that has keys hang.

    Args:
        kind: One of `KINDS`.
        folder: For all of it.
        monkeypatch: Of the test.
    """
    site, settings, hangs = folder / "hanging-site", folder / "hanging.toml", folder / "hangs"
    information = site / "hanging_keys-1.dist-info"
    information.mkdir(parents=True)
    (site / "hanging_keys.py").write_text(PLUGIN)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: hanging-keys\nVersion: 1\n")
    (information / "entry_points.txt").write_text(ENTRY_POINTS)
    own = f'ca_dir = "{folder / "ca"}"\n'
    settings.write_text(f'{own}[ocsp_key_backends.default]\nbackend = "storages"\n{KINDS[kind]}')
    monkeypatch.setenv("HANGS", str(hangs))
    monkeypatch.setenv("PYTHONPATH", str(site))
    monkeypatch.setenv("ANCHORHOLD_CONFIG", str(settings))
    monkeypatch.syspath_prepend(str(site))
    return hangs
