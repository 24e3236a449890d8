"""Keepstream's front: HTTP in, streams out. Never imports `worker`."""
