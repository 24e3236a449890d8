"""The worker: runs queued prompts against the Claude API. Of `app` it knows the stream, what is told, the settings."""
