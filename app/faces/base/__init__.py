"""What all faces share: the front they belong to, a client that is watched, what is kept whole."""
