"""Keepstream's worker: runs queued prompts against the Claude API. Imports of the rest only `app.stream` and settings."""
