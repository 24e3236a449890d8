"""What an owner's accounts have room for, asked without taking any of it."""
