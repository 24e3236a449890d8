"""What a body asks for that more must be known of than its fields."""
