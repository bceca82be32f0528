"""Key backend ``vault-transit``: private keys that stay in the transit engine of HashiCorp Vault or OpenBao."""

from anchorhold_vault_transit.backend import TransitBackend

__all__ = ["TransitBackend"]
