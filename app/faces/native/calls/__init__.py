"""A model's calls of tools, as clients answer them over HTTP: with what came of them, and whether one may be made."""
