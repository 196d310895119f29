"""Reading a folder of 10,000 JPEGs: the bare decoder on all cores, our reader's first time, and again from its cache.

    python benchmarks/read_folder.py

Asked: the first time at the decoder's speed, the second in under a second, anonymous memory under 800 MB. Each reading
is a process of its own; its memory (RssAnon of /proc/PID/status, without the page cache) is sampled from outside.
"""

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from machine import describe_machine, describe_versions
from PIL import Image, ImageDraw

WIDTH, HEIGHT = 500, 375
CORES = len(os.sched_getaffinity(0))


def make_photo(number: int) -> bytes:
    """A JPEG with what makes photographs costly to decode: soft colours, edges and a little grain."""
    generator = np.random.default_rng(number)
    coarse = Image.fromarray(generator.integers(0, 256, (9, 12, 3), np.uint8))
    photo = coarse.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(photo)
    for _ in range(12):
        left, top, width, height = (int(value) for value in generator.integers(0, (WIDTH, HEIGHT, 160, 160)))
        shape = draw.ellipse if generator.random() < 0.5 else draw.rectangle
        shape((left, top, left + width, top + height), fill=tuple(generator.integers(0, 256, 3).tolist()))
    fine = Image.fromarray(generator.integers(0, 256, (HEIGHT, WIDTH), np.uint8)).convert("RGB")
    packed = io.BytesIO()
    Image.blend(photo, fine, 0.08).save(packed, "JPEG", quality=90)
    return packed.getvalue()


def make_folder(folder: Path, count: int, classes: int) -> None:
    """So many photos in class folders, made on all cores."""
    for name in range(classes):
        (folder / f"class{name}").mkdir(parents=True, exist_ok=True)

    def write(number: int) -> None:
        path = folder / f"class{number % classes}" / f"{number:05}.jpg"
        if not path.exists():
            path.write_bytes(make_photo(number))

    with ThreadPoolExecutor(CORES) as pool:
        list(pool.map(write, range(count)))


def read_bare(folder: Path, size: int) -> int:
    """The decoder's speed: Pillow's reduced decoding and resizing in a pool of threads, into one array."""
    paths = sorted(folder.rglob("*.jpg"))
    images = np.empty((len(paths), size, size, 3), np.uint8)

    def decode(row: int) -> None:
        with Image.open(paths[row]) as image:
            image.draft("RGB", (size, size))
            images[row] = np.asarray(image.resize((size, size), Image.Resampling.BILINEAR))

    with ThreadPoolExecutor(CORES) as pool:
        list(pool.map(decode, range(len(paths))))
    return len(images)


def read_ours(folder: Path, size: int) -> int:
    """Our reader, from the cache if it has been there before."""
    from glasswork.data.dataset import ReadingOptions
    from glasswork.data.reading import read

    examples = read(str(folder), ReadingOptions(size=size))
    examples.columns["inputs"].amax()  # a memory-mapped column is read when it is used
    return len(examples)


def time_reading(role: str, folder: Path, size: int) -> None:
    """In the child: imports first, so that the seconds are those of reading alone."""
    if role == "ours":
        import glasswork.data.formats  # noqa: F401
    begun = time.perf_counter()
    count = (read_ours if role == "ours" else read_bare)(folder, size)
    print(json.dumps({"images": count, "seconds": time.perf_counter() - begun}))


def run_reading(role: str, arguments: argparse.Namespace, folder: Path, cache: Path) -> dict[str, float]:
    """This script again as a child that reads; its seconds, those of its process, and its peak anonymous memory."""
    command = [sys.executable, __file__, "--role", role, "--folder", str(folder), "--size", str(arguments.size)]
    begun = time.perf_counter()
    environment = os.environ | {"GLASSWORK_CACHE": str(cache)}
    child = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    peak = 0
    while child.poll() is None:
        peak = max(peak, anonymous_bytes(child.pid))
        time.sleep(0.01)
    process_seconds = time.perf_counter() - begun
    if child.returncode:
        sys.exit(f"reading '{role}' failed")
    return json.loads(child.stdout.read()) | {"process": process_seconds, "peak": peak}


def anonymous_bytes(pid: int) -> int:
    """Memory of a process that is not backed by files; 0 once it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("RssAnon")), 0)


def as_markdown(rows: dict[str, dict[str, float]], arguments: argparse.Namespace, bytes_on_disk: int) -> str:
    lines = [
        "| reading | seconds | images/s | whole process, s | peak anonymous memory, MB |",
        "|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        speed = row["images"] / row["seconds"]
        memory = row["peak"] / 1e6
        lines.append(f"| {name} | {row['seconds']:.2f} | {speed:,.0f} | {row['process']:.2f} | {memory:.0f} |")
    said = f"{arguments.count:,} JPEGs of {WIDTH} x {HEIGHT}, {bytes_on_disk / 1e6:.0f} MB, in the page cache; "
    said += f"brought to {arguments.size} x {arguments.size}."
    versions = describe_versions(sys.executable, ("pillow", "torch", "glasswork"))
    return "\n".join([*lines, "", said, describe_machine(), versions, ""])


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--folder", type=Path, help="where the photos are made and kept; else a temporary folder")
    parser.add_argument("--roles", default="bare,ours", help="which readers")
    parser.add_argument("--out", type=Path, help="write the table here as Markdown")
    parser.add_argument("--role", choices=["bare", "ours"], help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    arguments = read_arguments()
    if arguments.role:
        time_reading(arguments.role, arguments.folder, arguments.size)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary) / "photos"
        make_folder(folder, arguments.count, arguments.classes)
        bytes_on_disk = sum(path.stat().st_size for path in folder.rglob("*.jpg"))
        cache = Path(temporary) / "cache"
        rows = {}
        if "bare" in arguments.roles:
            rows[f"bare decoder, {CORES} threads"] = run_reading("bare", arguments, folder, cache)
        if "ours" in arguments.roles:
            rows["ours, first time"] = run_reading("ours", arguments, folder, cache)
            rows["ours, from the cache"] = run_reading("ours", arguments, folder, cache)
        table = as_markdown(rows, arguments, bytes_on_disk)
    print(table)
    if arguments.out:
        arguments.out.write_text(table)


if __name__ == "__main__":
    main()
