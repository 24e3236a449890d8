"""What is told, and who listens."""
