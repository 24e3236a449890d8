"""`/v1/messages`: the Claude API's own route."""
