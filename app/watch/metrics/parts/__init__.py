"""What each kind of process counts and measures, and what a front knows of the queue."""
