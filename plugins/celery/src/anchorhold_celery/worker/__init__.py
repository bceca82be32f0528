"""The worker: lends keys of its host to peers, for what the ledger holds as intended."""
