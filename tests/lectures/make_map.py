"""Writes docs/lectures.md out of the lecture tests: python tests/lectures/make_map.py."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent))  # where what tests share lies

from slides import PAGE, as_markdown

if __name__ == "__main__":
    PAGE.write_text(as_markdown(), encoding="utf-8")
