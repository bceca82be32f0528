"""The kinds of key that are measured. Imports nothing, for sides that have little installed."""

KINDS = ("EC P-256", "RSA-2048", "RSA-4096", "Ed25519", "ML-DSA-65")
"""Of the authority; requests are for EC P-256 keys, as most are, whatever signs them."""
THREADS = 16
"""That issue one at a time."""
HOST = "limit.example.com"
"""The name in every certificate."""
