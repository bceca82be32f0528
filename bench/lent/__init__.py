"""Keys that a worker lends over a broker: certificates on a host without them, beside the same keys at hand."""
