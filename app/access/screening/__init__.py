"""A prompt is looked at before anything of it is stored: by whose code, for how long, and what comes of it."""
