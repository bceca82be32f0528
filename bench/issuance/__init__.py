"""Certificates per second, against a limit that keeps the same promises with nothing around them."""
