"""How good: the rows of docs/results.md, each with the command that makes it.

python benchmarks/quality.py [ROW ...] [--glasswork PATH] [--log FILE] [--runs FOLDER]

Each row is one `glasswork train` command over some seeds (a seed is also a split where the data gives none). Finished
(row, seed) pairs in the log are not run again; the table is printed from the log.
"""

import argparse
import datetime
import json
import math
import platform
import shlex
import statistics
import subprocess
import time
from pathlib import Path

ROWS: dict[str, tuple[str, tuple[int, ...]]] = {
    "lenet-fashion-mnist": (
        "train lenet --data fashion-mnist --budget 170s --augment flip --learning-rate 0.004 --weight-decay 0.2 "
        "--validation 0.05",
        (0, 1, 2),
    ),
    "lenet-mnist-5k": (
        "train lenet --data mnist-5k --epochs 120 --patience 120 --label-smoothing 0.1 "
        "--augment rotation:10,scale:0.1,crop:2,elastic",
        (0, 1, 2, 3, 4),
    ),
}


def run(glasswork: str, row: str, seed: int, runs: Path) -> dict[str, object]:
    """One run, as a user starts it; its result with the seconds of the whole command."""
    command = [*shlex.split(glasswork), *shlex.split(ROWS[row][0]), "--seed", str(seed), "--json"]
    started = time.monotonic()
    finished = subprocess.run(
        [*command, "--out", str(runs / f"{row}-{seed}")], capture_output=True, text=True, check=False
    )
    if finished.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed: {finished.stderr}")
    wall = time.monotonic() - started
    return {"row": row, "seed": seed, "wall": wall, **json.loads(finished.stdout)}


def table(results: list[dict[str, object]]) -> str:
    """The rows of the log as Markdown: mean, each seed, seconds."""
    lines = ["| command | mean test accuracy | each seed | seconds of the whole command |", "|---|---|---|---|"]
    for row, (command, _) in ROWS.items():
        mine = sorted((r for r in results if r["row"] == row), key=lambda r: r["seed"])  # type: ignore[arg-type,return-value]
        if mine:
            accuracies = [100 * r["test"]["accuracy"] for r in mine]  # type: ignore[index]
            each = ", ".join(f"{accuracy:.2f}" for accuracy in accuracies)
            walls = ", ".join(f"{r['wall']:.0f}" for r in mine)
            seeds = " ".join(str(r["seed"]) for r in mine)
            mean = f"{math.floor(100 * statistics.mean(accuracies) + 1e-6) / 100:.2f} %"
            lines.append(f"| `glasswork {command}`, `--seed` {seeds} | {mean} | {each} | {walls} |")
    return "\n".join(lines)


def processor() -> str:
    """The processor's name and its cores, as Linux has them."""
    text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    names = [line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")]
    return f"{names[0] if names else platform.processor()}, {len(names)} cores"


def main() -> None:
    """Runs what is missing from the log, then prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", default=list(ROWS))
    parser.add_argument("--glasswork", default="glasswork", help="the command to run")
    parser.add_argument("--log", type=Path, default=Path("quality.jsonl"))
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    options = parser.parse_args()
    done = [json.loads(line) for line in options.log.read_text().splitlines()] if options.log.exists() else []
    for row in options.rows:
        for seed in ROWS[row][1]:
            if not any(r["row"] == row and r["seed"] == seed for r in done):
                done.append(run(options.glasswork, row, seed, options.runs))
                with options.log.open("a", encoding="utf-8") as log:
                    log.write(json.dumps(done[-1]) + "\n")
                print(row, seed, done[-1]["test"], round(done[-1]["wall"]), "s", flush=True)
    print(f"\n{processor()}, {datetime.date.today().isoformat()}\n\n{table(done)}")


if __name__ == "__main__":
    main()
