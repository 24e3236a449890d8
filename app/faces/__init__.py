"""A folder for each way to read and write the log. No face knows another: what they share is `base`; a view is pure."""
