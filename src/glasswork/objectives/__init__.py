"""What is minimised and what is measured: losses, penalties and metrics as plain functions."""
