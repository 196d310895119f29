"""Recipes: flat, frozen models of what is minimised and how; nothing here imports torch."""
