"""Functions that people write, as tools: what is said above one, what a model is told, which modules have any."""
