"""The start-up benchmark: how long anchorhold's commands take, beside its peers and its limits."""
