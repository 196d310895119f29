"""File formats: one module each; `data.reading` tries them in turn."""
