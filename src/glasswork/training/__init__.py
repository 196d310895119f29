"""Training: fit, the generator of steps, and its watchers."""
