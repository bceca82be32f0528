"""A wrapper that imports a large library of others when it is imported itself."""

from __future__ import annotations

import hypothesis

from contract.right_wrapper import RightWrapper


class HeavyWrapper(RightWrapper):
    """Needs it now and then."""

    library = hypothesis.__name__
