"""What the larger commands do; `cli` says how they are called."""
