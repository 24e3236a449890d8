"""What a conversation is called, and what it is found by."""
