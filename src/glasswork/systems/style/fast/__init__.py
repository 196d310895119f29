"""A network that paints one style in a single pass."""
