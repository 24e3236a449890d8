"""Clients of Keepstream for people's own programs. They know the wire and nothing of the front's insides."""
