"""Keys in a token of SoftHSM: through the backend, beside loops with nothing around them and beside django-ca."""
