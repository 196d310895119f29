"""Computation graphs of written expressions."""
