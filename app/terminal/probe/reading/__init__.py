"""Reads a server's streams, one connection after the other, to cuts at random bytes and to their ends."""
