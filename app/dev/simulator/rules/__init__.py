"""What the API refuses and allows: keys, fields, models, rates, and its errors' shape."""
