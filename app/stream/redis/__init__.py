"""How Redis is reached, what it says instead of an answer, and whether it is fit for logs."""
