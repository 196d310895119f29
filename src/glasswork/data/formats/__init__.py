"""File formats: one module each; `data.reading` asks them in turn."""
