"""`python -m glasswork`."""

import sys

from glasswork.cli import main

if __name__ == "__main__":
    sys.exit(main())
