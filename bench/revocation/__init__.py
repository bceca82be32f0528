"""What revocation costs: lists of a million entries, beside ``openssl ca -gencrl``."""
