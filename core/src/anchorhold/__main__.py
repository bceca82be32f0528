"""``python -m anchorhold`` is the ``anchorhold`` command."""

from anchorhold.cli import main

if __name__ == "__main__":
    main()
