"""A pretrained network with a new output layer."""
