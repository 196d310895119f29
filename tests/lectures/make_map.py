"""Writes docs/lectures.md out of the lecture tests: python tests/lectures/make_map.py."""

from slides import PAGE, as_markdown

if __name__ == "__main__":
    PAGE.write_text(as_markdown(), encoding="utf-8")
