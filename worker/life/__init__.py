"""One stream's life in this worker, from its claim to its release."""
