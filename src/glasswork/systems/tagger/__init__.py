"""A label for every word of a sentence."""
