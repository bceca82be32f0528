"""The wrapper ``example`` of anchorhold."""
