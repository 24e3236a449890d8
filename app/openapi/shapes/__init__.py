"""The shapes of bodies, where there are too many of them to stand beside their routes."""
