"""The worker: runs queued prompts against the Claude API. Of the rest it imports only `app.stream`, `app.watch` and the
settings."""
