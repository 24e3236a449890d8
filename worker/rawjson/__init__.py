"""JSON without loss: as the text that came, and as values that can be written again."""
