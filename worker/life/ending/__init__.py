"""A stream's one ending: what it says, and that it is written."""
