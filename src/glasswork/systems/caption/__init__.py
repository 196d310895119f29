"""A sentence about a picture."""
