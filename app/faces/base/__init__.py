"""What all faces share: the front, an owner's stream found and named, its result, and an answer that follows it."""
