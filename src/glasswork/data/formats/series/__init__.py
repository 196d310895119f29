"""Time series in tables."""
