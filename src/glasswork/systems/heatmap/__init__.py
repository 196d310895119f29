"""Heat maps over large images from patches."""
