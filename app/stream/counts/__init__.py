"""What is counted where it happens, for it happens too often to be told: plain numbers, read by whoever shows them."""
