"""Wrapper ``quorum``: a CA key signs only what several people have approved."""

from anchorhold_quorum.wrapper import Quorum

__all__ = ["Quorum"]
