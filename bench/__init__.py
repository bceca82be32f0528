"""The benchmark: start-up, issuance, growth of the ledger, memory; beside peers and limits measured in the same run."""
