"""The only rooms that know the Claude API and its SDK."""
