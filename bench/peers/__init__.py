"""The peers: other certificate authorities that do the same work, each installed and set up by the benchmark."""
