"""The commands, one module each. A function's first parameter is the `Session`; the others are its options."""
