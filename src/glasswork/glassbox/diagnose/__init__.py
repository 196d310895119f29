"""What is wrong with a network."""
