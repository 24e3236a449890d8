"""`/v1/streams`: the log as it is."""
