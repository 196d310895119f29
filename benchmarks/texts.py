"""Text classification and labelling against what needs no network, on the same splits: test accuracy.

    python benchmarks/texts.py PATH --only fine-foods pos --seeds 0 1 2 --out table.md

PATH holds the folders fine-foods, polarity, debian-sections, languages and pos. The baselines are those of the folders'
READMEs: logistic regression on TF-IDF of words and pairs, for languages a linear support vector machine on TF-IDF of
one to three letters, and the most frequent tag of each word. They are fitted to train.csv alone, as ours are; val.csv
decides when ours stop.
"""

import argparse
import csv
import json
import math
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from machine import describe_machine, describe_versions

csv.field_size_limit(2**27)


@dataclass(frozen=True)
class Task:
    """One set of texts.

    Attributes:
        folder: below PATH.
        baseline: `words`, `letters` or `tag`.
        options: of our command.
    """

    folder: str
    baseline: str
    options: str


TASKS = {
    "fine-foods": Task("fine-foods", "words", "sentiment"),
    "sentences": Task("polarity/sentences", "words", "sentiment"),
    "reviews": Task("polarity/reviews", "words", "sentiment"),
    "debian-sections": Task("debian-sections", "words", "sentiment"),
    "languages": Task("languages", "letters", "sentiment --pieces character"),
    "pos": Task("pos", "tag", "tagger"),
}


def read(path: Path) -> tuple[list[str], list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["text"] for row in rows], [row["label"] for row in rows]


def baseline(task: Task, data: Path) -> float | None:
    """Test accuracy without a network; None where our own run says it."""
    if task.baseline == "tag":
        return None
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 3), sublinear_tf=True)
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
    if task.baseline == "letters":
        pipeline = make_pipeline(letters, LinearSVC())
    else:
        pipeline = make_pipeline(words, LogisticRegression(C=10, max_iter=1000))
    pipeline.fit(*read(data / "train.csv"))
    return float(pipeline.score(*read(data / "test.csv")))


def run(task: Task, data: Path, seed: int, further: str) -> dict:
    words = ["glasswork", "train", *shlex.split(task.options), "--data", str(data.resolve()), "--seed", str(seed)]
    with tempfile.TemporaryDirectory() as folder:
        words += [*shlex.split(further), "--out", f"{folder}/run", "--json"]
        began = time.perf_counter()
        done = subprocess.run(words, capture_output=True, text=True)
        seconds = time.perf_counter() - began
    if done.returncode:
        sys.exit(f"failed: {shlex.join(words)}\n{done.stderr[-2000:]}")
    return {**json.loads(done.stdout), "process": seconds}


def interval(share: float, count: int) -> str:
    """The 95 % interval of a share (Wilson 1927)."""
    z = 1.96
    middle, half = (share + z * z / (2 * count)), z * math.sqrt(share * (1 - share) / count + z * z / (4 * count**2))
    low, high = ((middle + sign * half) / (1 + z * z / count) for sign in (-1, 1))
    return f"{100 * low:.1f} to {100 * high:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path)
    parser.add_argument("--only", nargs="+", choices=list(TASKS), default=list(TASKS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--further", default="", help="options added to every command of ours")
    parser.add_argument("--out", type=Path, help="write the table here as Markdown")
    arguments = parser.parse_args()
    lines = [
        "| texts | command | baseline | test accuracy | each seed | 95 % interval of one | validation | seconds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in arguments.only:
        task = TASKS[name]
        data = arguments.path / task.folder
        runs = [run(task, data, seed, arguments.further) for seed in arguments.seeds]
        known = baseline(task, data)
        known = runs[0]["most_frequent_label_accuracy"] if known is None else known
        each = [one["test"]["accuracy"] for one in runs]
        said = ", ".join(f"{100 * one:.1f}" for one in each)
        judged = statistics.mean(one["validation"]["accuracy"] for one in runs)
        command = (
            f"`glasswork train {task.options} --data {task.folder}{' ' * bool(arguments.further)}{arguments.further}`"
        )
        lines.append(
            f"| {name} | {command} | {known:.1%} | **{statistics.mean(each):.1%}** | {said} | "
            f"{interval(each[0], runs[0]['examples']['test'])} | {judged:.1%} | "
            f"{statistics.median(one['process'] for one in runs):.0f} |"
        )
        print(lines[-1], file=sys.stderr, flush=True)
    said = f"`--seed` {' '.join(map(str, arguments.seeds))}; the best epoch by the validation loss."
    versions = describe_versions(sys.executable, ("scikit-learn", "torch", "glasswork"))
    table = "\n".join([*lines, "", said, describe_machine(), versions, ""])
    print(table)
    if arguments.out:
        arguments.out.write_text(table)


if __name__ == "__main__":
    main()
