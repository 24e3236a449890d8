"""Tools of MCP servers: which servers, how one is kept, and what its results are to a model.

The rule: a server is somebody else's program. What it says is bounded in size and pace, what it means is checked before
a model is told of it, what it breaks is told in our words, and no stream but the one that called it notices. The
library is imported only where a server is named.
"""
