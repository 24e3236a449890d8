"""What is asked of the upstream: a stream's request, and what the relay adds to it for the call that comes."""
