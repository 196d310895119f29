"""Parameters, multiply-adds, memory and receptive fields."""
