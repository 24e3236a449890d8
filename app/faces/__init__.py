"""The log in each client's dialect. Pure: frames in, the dialect's bytes out."""
