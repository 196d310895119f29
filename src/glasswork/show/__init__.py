"""Reports and findings of the glass box drawn: terminal text, SVG, PNG and HTML. Nothing is computed here."""
