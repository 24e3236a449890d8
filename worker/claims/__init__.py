"""Which streams are this worker's: taken, renewed, watched, given up."""
