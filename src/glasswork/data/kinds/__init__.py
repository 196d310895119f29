"""Kinds of data: one file per kind of inputs and per kind of target."""
