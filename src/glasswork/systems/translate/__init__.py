"""Translation: a text in, a text out."""
