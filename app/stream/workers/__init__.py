"""What workers know of each other through Redis: who is there, and the gates before the upstream that they share."""
