"""The lectures' networks: plain single-device PyTorch, one file per family, scores out of the last layer."""
