"""HTTP verbs to stream calls, errors to statuses. Only here are statuses known; no loops."""
