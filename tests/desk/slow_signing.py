"""A wrapper for desks of tests: signing a certificate takes long while a file says so, and another file says when."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from server.serving import until

if TYPE_CHECKING:
    from desk.desk_house import House

MODULE = """
import os, time
from pathlib import Path
from anchorhold.plugin import hookimpl

class SlowSigning:
    anchorhold_api = 1
    def __init__(self, options, context):
        self._folder = Path(os.environ["SLOW_SIGNING"])
    @hookimpl(wrapper=True)
    def sign(self, request, signer):
        if (self._folder / "slow").exists() and request.purpose == "certificate":
            (self._folder / "signing").touch()
            time.sleep(60)
        return (yield)
"""


class SlowSigning:
    """The wrapper, installed for a house.

    Args:
        house: The house.
    """

    def __init__(self, house: House) -> None:
        self._folder = folder = house.folder / "slow"
        info = folder / "slow_signing-1.dist-info"
        info.mkdir(parents=True)
        (folder / "slow_signing.py").write_text(MODULE)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: slow-signing\nVersion: 1\n")
        (info / "entry_points.txt").write_text("[anchorhold.wrappers]\nslow-signing = slow_signing:SlowSigning\n")
        with house.settings.open("a") as settings:
            settings.write("\n[wrappers.slow-signing]\n")

    @property
    def environment(self) -> dict[str, str]:
        """Variables of the desk."""
        return {"PYTHONPATH": os.fspath(self._folder), "SLOW_SIGNING": os.fspath(self._folder)}

    def begin(self) -> None:
        """From now on it takes long."""
        (self._folder / "slow").touch()

    def end(self) -> None:
        """From now on it takes as long as it does."""
        (self._folder / "slow").unlink()

    def wait(self) -> None:
        """Until something is being signed."""
        until((self._folder / "signing").exists)
