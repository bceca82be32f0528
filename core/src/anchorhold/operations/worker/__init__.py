"""Signing where the key is, for processes elsewhere that have none: only what the ledger holds as intended.

``finding`` has the rules, and asks ``certificates``, ``crls``, ``messages`` and ``responses``; ``signing`` makes the
signatures, with the signers of ``held_signers``; ``refusals`` records what is refused.
"""
