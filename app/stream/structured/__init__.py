"""The JSON schema that a request wants its answer to fit, as both processes look at it."""
