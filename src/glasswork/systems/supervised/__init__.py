"""Supervised learning from images and tables."""
