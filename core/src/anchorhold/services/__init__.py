"""What can be done with an installation: one service a module, reached as attributes of `anchorhold.Installation`.

A service finds what is named, resolves secrets and settings, and runs one operation (`anchorhold.operations`) or one
query of the ledger. It takes and returns values; it prints nothing, and only the prompter asks for input.
"""
