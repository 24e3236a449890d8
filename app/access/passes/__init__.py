"""What a browser is handed in place of a key: a ticket for one log, or a session."""
