"""A server with many authorities: how long it takes until it is ready, and how much memory its worker needs."""
