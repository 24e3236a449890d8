"""What is found out from a log that was written: its newest attempt, its resets, its text."""
