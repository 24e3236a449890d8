"""The tools that each worker has: harmless, for trying the loop."""
