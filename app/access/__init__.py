"""Who may do what, how much, at what cost."""
