"""A label for every frame of a clip."""
