"""The trace of a network: every operation forward and every error backward."""
