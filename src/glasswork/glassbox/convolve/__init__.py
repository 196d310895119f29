"""A convolution worked out cell by cell."""
