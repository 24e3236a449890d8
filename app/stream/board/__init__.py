"""What fronts and workers leave of themselves in Redis, so that any of them can show the whole."""
