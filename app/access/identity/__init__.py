"""Who somebody is: by a key of the keys' file, or by a token that somebody trusted has signed."""
