"""The words of the answers, and how they are written."""
