"""What a column of data means: one file per kind of inputs and per kind of target."""
