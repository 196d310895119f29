"""Minimising: fit, the generator of steps, and the watchers that stand around it."""
