"""What is said to a prompt: texts, tokens, blocks and the events they are told in."""
