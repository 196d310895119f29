"""Draws samples/digits/: our own pen strokes, four hands for each digit, 28 x 28 grey like MNIST.

Run from this folder: python draw_digits.py
"""

import math
import random
from pathlib import Path

from PIL import Image, ImageDraw

SIDE, LARGE = 28, 224
Point = tuple[float, float]


def arc(x: float, y: float, width: float, height: float, start: float, end: float) -> list[Point]:
    """Points of an ellipse around (x, y), from one angle to another in degrees, clockwise from the right."""
    angles = [math.radians(start + (end - start) * k / 24) for k in range(25)]
    return [(x + width * math.cos(a), y + height * math.sin(a)) for a in angles]


STROKES: dict[str, list[list[Point]]] = {
    "0": [arc(0.5, 0.5, 0.24, 0.36, -90, 275)],
    "1": [[(0.42, 0.24), (0.52, 0.14), (0.5, 0.86)]],
    "2": [[*arc(0.5, 0.34, 0.22, 0.2, -170, 40), (0.28, 0.84), (0.76, 0.82)]],
    "3": [arc(0.47, 0.32, 0.21, 0.18, -150, 90) + arc(0.47, 0.67, 0.24, 0.19, -90, 150)],
    "4": [[(0.34, 0.16), (0.28, 0.54), (0.74, 0.52)], [(0.68, 0.2), (0.62, 0.88)]],
    "5": [[(0.72, 0.16), (0.36, 0.17), (0.33, 0.46), *arc(0.48, 0.64, 0.24, 0.21, -125, 140)]],
    "6": [[(0.64, 0.14), (0.42, 0.34), (0.31, 0.62), *arc(0.5, 0.67, 0.2, 0.18, 190, 545)]],
    "7": [[(0.26, 0.2), (0.74, 0.19), (0.6, 0.46), (0.46, 0.86)]],
    "8": [arc(0.5, 0.32, 0.18, 0.17, 90, 450) + arc(0.5, 0.68, 0.21, 0.19, -90, 270)],
    "9": [[*arc(0.5, 0.34, 0.2, 0.19, 0, -350), (0.7, 0.34), (0.66, 0.6), (0.6, 0.87)]],
}


def draw(digit: str, hand: random.Random) -> Image.Image:
    """One digit: strokes slanted, stretched and trembling as the hand has it."""
    image = Image.new("L", (LARGE, LARGE))
    pen = ImageDraw.Draw(image)
    slant, stretch, tremble = hand.uniform(-0.22, 0.08), hand.uniform(0.85, 1.05), 0.008
    thickness = round(LARGE * hand.uniform(0.075, 0.1))
    for stroke in STROKES[digit]:
        points = []
        for x, y in stroke:
            slanted = 0.5 + (x - 0.5) * stretch + slant * (y - 0.5)
            right, down = slanted + hand.gauss(0, tremble), y + hand.gauss(0, tremble)
            points.append((LARGE * (0.14 + 0.72 * right), LARGE * (0.14 + 0.72 * down)))
        pen.line(points, fill=255, width=thickness, joint="curve")
        for x, y in (points[0], points[-1]):
            pen.ellipse((x - thickness / 2, y - thickness / 2, x + thickness / 2, y + thickness / 2), fill=255)
    return image.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def main() -> None:
    """Writes digits/<digit>/<hand>.png."""
    for digit in STROKES:
        folder = Path("digits") / digit
        folder.mkdir(parents=True, exist_ok=True)
        for name in "abcd":
            draw(digit, random.Random(f"{digit}{name}")).save(folder / f"{name}.png")


if __name__ == "__main__":
    main()
