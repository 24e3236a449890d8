"""What happened to an answer: an observer that keeps it with the stream, and the words in which it is told."""
