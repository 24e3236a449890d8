"""The turns of a stream whose tools the worker runs: where it stands in them, what is called, and the running."""
