"""The key backend ``example`` of anchorhold."""
