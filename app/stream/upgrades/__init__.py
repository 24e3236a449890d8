"""Several versions beside each other: what of the language is of which, and what is done with what is newer."""
