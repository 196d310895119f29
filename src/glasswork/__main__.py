"""`python -m glasswork`."""

from glasswork.cli import entry

if __name__ == "__main__":
    entry()
