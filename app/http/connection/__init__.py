"""A client's connection: who writes to it, how long it may take, and how it changes hands."""
