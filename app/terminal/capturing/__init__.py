"""`keepstream capture`: a stream as a file, to be played again."""
