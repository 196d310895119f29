"""Paints the pictures of docs/style.md: `python samples/paint_styles.py PAINTINGS docs/style`.

PAINTINGS is a folder with Van Gogh's Night Café and his Painter on the Road, such as the paintings of gcompris-qt-data.
"""

import subprocess
import sys
from pathlib import Path

from PIL import Image

SIDE = 240
MADE = {
    "china-night-cafe": ("china", "Van_Gogh_The_Night_Cafe.jpg"),
    "china-painter": ("china", "VincentVanGogh0013.jpg"),
    "china-flower": ("china", "flower"),
}


def paint(paintings: Path, out: Path) -> None:
    """Writes each painting, and a small picture of each style."""
    for name, (content, style) in MADE.items():
        found = paintings / style
        word = str(found) if found.is_file() else style
        subprocess.run(["glasswork", "style", content, word, "--size", "384", "-o", out / f"{name}.jpg"], check=True)
        if found.is_file():
            small = Image.open(found).convert("RGB")
            small.thumbnail((SIDE, SIDE))
            small.save(out / f"style-{name.removeprefix('china-')}.jpg", quality=80)


if __name__ == "__main__":
    paint(Path(sys.argv[1]), Path(sys.argv[2]))
