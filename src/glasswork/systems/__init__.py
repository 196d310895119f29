"""Systems: what one lecture system adds to the common loop, one file each."""
