"""The character model: predict the next character of a text."""
