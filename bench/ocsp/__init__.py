"""OCSP answers a second: our server beside its peers and its limits."""
