"""Steps of the ledger's schema, applied in order and each recorded by name. A released step never changes."""
