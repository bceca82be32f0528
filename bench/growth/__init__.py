"""The ledger as it grows: what takes how long with how many certificates in it, and which index is used."""
