"""The door: what every request meets before a face has it, and how answers go out. Knows no face and no dialect."""
