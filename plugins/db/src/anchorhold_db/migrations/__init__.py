"""Steps of the table of keys, applied in order and each recorded by name. A released step never changes."""
