"""A classifier of patches applied to whole images."""
