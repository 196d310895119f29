"""What units respond to."""
