"""Tasks, threads and what changes while somebody waits for it."""
