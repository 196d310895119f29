"""Two tables with 20,000 rows each, out of packages, as CSV files for `tables.py`.

    python benchmarks/make_tables.py FOLDER

`letters.csv`: which of 26 letters a distorted picture shows, from 16 whole numbers measured in it (Frey and Slate
1991), as it lies in Debian's package opencv-doc. `diamonds.csv`: the price of a diamond from its weight, sides and
proportions and from the grades of its cut, colour and clarity, as it lies in the wheel of plotnine; 20,000 of its
53,940 rows, drawn once with a fixed seed. Both packages are downloaded by their ordinary clients and unpacked, not
installed.
"""

import argparse
import csv
import io
import random
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

LETTER_COLUMNS = (
    *("letter", "x_box", "y_box", "width", "height", "on_pixels", "x_bar", "y_bar", "x2_bar", "y2_bar", "xy_bar"),
    *("x2y_bar", "xy2_bar", "x_edge", "x_edge_y", "y_edge", "y_edge_x"),
)
ROWS, SEED = 20_000, 0


def letters(folder: Path) -> list[list[str]]:
    """The lines of the letter recognition data under a line of names."""
    subprocess.run(["apt-get", "download", "opencv-doc"], cwd=folder, check=True, capture_output=True)
    package = next(folder.glob("opencv-doc_*.deb"))
    subprocess.run(["dpkg-deb", "-x", package.name, "opencv-doc"], cwd=folder, check=True)
    lines = next(folder.glob("opencv-doc/**/letter-recognition.data")).read_text(encoding="ascii").splitlines()
    rows = [line.split(",") for line in lines if line.strip()]
    return [list(LETTER_COLUMNS), *rows]


def diamonds(folder: Path) -> list[list[str]]:
    """A draw of the diamonds, in the order of the file."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "plotnine"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    with zipfile.ZipFile(next(folder.glob("plotnine-*.whl"))) as wheel:
        text = wheel.read("plotnine/data/diamonds.csv").decode("utf-8")
    head, *rows = list(csv.reader(io.StringIO(text)))
    drawn = sorted(random.Random(SEED).sample(range(len(rows)), ROWS))
    return [head, *(rows[row] for row in drawn)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the two files go")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name, make in (("letters.csv", letters), ("diamonds.csv", diamonds)):
        with tempfile.TemporaryDirectory() as unpacked:
            rows = make(Path(unpacked))
        with (arguments.folder / name).open("x", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)
        print(f"{arguments.folder / name}: {len(rows) - 1:,} rows, {len(rows[0])} columns")


if __name__ == "__main__":
    main()
