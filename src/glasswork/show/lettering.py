"""The font of all lettering in pictures, which Pillow carries."""

from PIL import ImageFont

LETTERS = 24


def letters(size: int = LETTERS) -> ImageFont.FreeTypeFont:
    """The font in a size, in pixels."""
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font


def shorten(words: str, most: int) -> str:
    """Words of at most so many letters."""
    return words if len(words) <= most else f"{words[: most - 1]}\u2026"
