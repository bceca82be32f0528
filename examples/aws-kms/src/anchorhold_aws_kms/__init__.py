"""Key backend ``aws-kms``: private keys that stay in AWS Key Management Service."""

from anchorhold_aws_kms.backend import KmsBackend

__all__ = ["KmsBackend"]
