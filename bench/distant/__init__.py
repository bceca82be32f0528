"""Keys in a service across a network: what a batch waits for, and how many signatures `serve` has under way."""
