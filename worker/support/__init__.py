"""What all rooms of the worker stand on. Imports none of them."""
