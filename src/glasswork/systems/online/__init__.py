"""The online delta rule of the lecture."""
