"""Writing to logs: one writer a stream, one commit at a time for all of them."""
