"""A function of one variable, approximated by a few units."""
