"""What the distribution `keepstream` is built from: its pyproject.toml, and the package beside it.

The rule: the package imports itself relatively and nothing of Keepstream's server, so it is the same code twice: here
as a part of the server, whose terminal uses it, and in a user's project as `keepstream`. A server's wheel therefore
needs no other, and the two wheels have no file in common.
"""
