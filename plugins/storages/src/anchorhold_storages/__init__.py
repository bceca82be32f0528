"""Key backend ``storages``: private keys as PKCS#8 files, in local folders or any fsspec file system."""

from anchorhold_storages.backend import StoragesBackend

__all__ = ["StoragesBackend"]
