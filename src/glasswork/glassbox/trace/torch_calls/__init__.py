"""Which textbook operation a torch call is."""
