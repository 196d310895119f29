"""Boxes around things: regions with features of a convolutional network."""
