"""A picture of 30,000 x 30,000 pixels is mapped in less than 2 GB."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from made_data import train

SIDE, TISSUE, LESION = 30_000, 1_024, 128
SQUARES = ((2_000, 3_000), (14_000, 20_000), (28_000, 500), (28_500, 28_900))
MOST_BYTES = 2 * 10**9

# Not getrusage: its peak is inherited from the process that starts this one, which has just written the picture.
PROGRAM = """
import json, re, sys
from pathlib import Path
from glasswork.cli import main
code = main(sys.argv[1:])
peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024
print(json.dumps({"code": code, "peak": peak}))
"""


def tissue(side: int, seed: int) -> npt.NDArray[np.uint8]:
    """Pale pink with noise, and a purple square in its middle."""
    pixels = np.full((side, side, 3), (225, 170, 195), np.float64)
    start = side // 2 - LESION // 2
    pixels[start : start + LESION, start : start + LESION] = (120, 60, 140)
    noisy = pixels + np.random.default_rng(seed).normal(0, 6, pixels.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")
def test_thirty_thousand_pixels_square_in_two_gigabytes(tmp_path: Path) -> None:
    tifffile = pytest.importorskip("tifffile")
    data = tmp_path / "data"
    data.mkdir()
    for place in range(3):
        Image.fromarray(tissue(320, place)).save(data / f"{place}.png")
        mask = np.zeros((320, 320), np.uint8)
        mask[96:224, 96:224] = 255
        Image.fromarray(mask).save(data / f"{place}_mask.png")
    run = train("heatmap", data=str(data), size=32, epochs=2, patches=200, threads=1, precision="float32")
    whole = tmp_path / "whole.tif"
    pixels = tifffile.memmap(whole, shape=(SIDE, SIDE, 3), dtype=np.uint8, photometric="rgb")
    for top in range(0, SIDE, 1_000):
        pixels[top : top + 1_000] = 250
    for place, (y, x) in enumerate(SQUARES):
        pixels[y : y + TISSUE, x : x + TISSUE] = tissue(TISSUE, place)
    pixels.flush()
    del pixels
    words = [sys.executable, "-c", PROGRAM, "heatmap", str(run), str(whole), "--json", "--out", str(tmp_path / "m.png")]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    result, used = map(json.loads, done.stdout.splitlines())
    assert used["code"] == 0 and used["peak"] < MOST_BYTES, used
    assert (result["width"], result["height"]) == (SIDE, SIDE)
    assert result["skipped"] > 0.9 * result["tiles"]
    places = {(find["x"], find["y"]) for find in result["finds"]}
    for y, x in SQUARES:
        middle = TISSUE // 2
        assert any(abs(a - x - middle) < LESION and abs(b - y - middle) < LESION for a, b in places)
