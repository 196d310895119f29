"""Which parts of an input matter to an output."""
