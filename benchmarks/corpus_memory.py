"""Anonymous memory of a character model's training on a small and on a large text.

    python benchmarks/corpus_memory.py PATH/linux-c/train.txt --megabytes 10 1000

The texts are the given one written again and again, each copy under a line of its own. Each training is a process of
its own, which reads its text for the first time and makes 50 steps; RssAnon of /proc/PID/status, without the page
cache, is sampled from outside. Asked: it grows by less than 5 % from 10 MB to 1 GB.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

from machine import describe_machine, describe_versions
from read_folder import anonymous_bytes

STEPS = 50


def write_text(source: str, path: Path, megabytes: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        copy = 0
        while file.tell() < megabytes * 10**6:
            copy += 1
            file.write(f"/* copy {copy} */\n{source}")


def train(data: str, folder: str) -> None:
    """In the child: reads, and makes a few steps."""
    import glasswork

    began = time.perf_counter()
    steps = glasswork.steps("char-rnn", data=data, out=f"{folder}/run", epochs=1, hidden_size=128, samples=0, threads=2)
    first = next(steps)
    reading = time.perf_counter() - began
    for _ in islice(steps, STEPS):
        pass
    steps.close()
    print(json.dumps({"reading": reading, "loss": float(first.loss)}))


def measure(text: Path, folder: Path) -> tuple[int, float]:
    """Peak anonymous bytes of a training, and seconds until its first step."""
    words = [sys.executable, __file__, str(text), "--role", str(folder)]
    environment = os.environ | {"GLASSWORK_CACHE": str(folder / "cache")}
    child = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True)
    peak = 0
    while child.poll() is None:
        peak = max(peak, anonymous_bytes(child.pid))
        time.sleep(0.01)
    if child.returncode:
        sys.exit("the training failed")
    return peak, json.loads(child.stdout.read().splitlines()[-1])["reading"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("text", type=Path)
    parser.add_argument("--megabytes", type=int, nargs=2, default=[10, 1000])
    parser.add_argument("--out", type=Path, help="write the table here as Markdown")
    parser.add_argument("--role", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.role:
        train(str(arguments.text), arguments.role)
        return
    lines = ["| text, MB | peak anonymous memory, MB | until the first step, s |", "|---|---|---|"]
    peaks = []
    for megabytes in arguments.megabytes:
        with tempfile.TemporaryDirectory() as name:
            text = Path(name) / "text.c"
            write_text(arguments.text.read_text(encoding="utf-8"), text, megabytes)
            peak, reading = measure(text, Path(name))
        peaks.append(peak)
        lines.append(f"| {megabytes:,} | {peak / 1e6:,.0f} | {reading:.1f} |")
    said = f"From the first to the second it grows by {peaks[1] / peaks[0] - 1:.1%} (asked: less than 5 %)."
    table = "\n".join(
        [*lines, "", said, describe_machine(), describe_versions(sys.executable, ("torch", "glasswork")), ""]
    )
    print(table)
    if arguments.out:
        arguments.out.write_text(table)


if __name__ == "__main__":
    main()
