"""One call of a tool: what it is given, what comes of it, and what the model is told of that."""
