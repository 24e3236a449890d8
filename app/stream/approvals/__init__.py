"""What waits for a person, and what that person says."""
