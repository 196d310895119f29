"""Metric learning by the triplet loss."""
