"""Every verb under hostile names and tiny, constant or broken data, through the command line in process.

`python -m tests.fuzz --runs 5000 --seed 1` asks for no traceback: each command line ends with exit code 0, 2 or 130.
"""

import argparse
import contextlib
import io
import os
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from PIL import Image

NAMES = (
    "plain",
    "[red]x[/red]",
    "[/]",
    "[link=file:a]b",
    "<script>alert(1)</script>",
    "a&amp;b",
    "tab\there",
    "line\nbreak",
    "bell\a\x1b[31m",
    "\u202eright to left",
    "\u200fmark\u200e",
    "e\u0301te\u0301",
    "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\u0645\u0631\u062d\u0628\u0627",
    "x" * 240,
    "\u00fc" * 110,
    " leading and trailing ",
    "-flag",
    "--data",
    "a'b\"c",
    "100%d %s {0} {name}",
    "a:b",
    "$HOME ~",
    "not\udcff\udcfeutf8",
    "None",
    "nan",
    "0",
    "a,b;c|d",
    "\\back\\slash",
    "\u2028separator",
)
VALUES = ("", "0", "1", "-1", "5", "1e308", "-1e308", "1e-320", "nan", "inf", "?", "None", "1_000", "1 000", "007", "x")
ALWAYS = (
    *("predict", "predict more", "predict both", "evaluate", "evaluate on", "resume", "resume on", "diagnose"),
    *(
        "diagnose on",
        "open",
        "open for",
        "open wide",
        "landscape",
        "export",
        "count",
        "compare",
        "on",
        "on with",
        "runs",
    ),
)
OF_PRESETS = {
    "forecast": ("forecast", "forecast on"),
    "char-rnn": ("write",),
    "embed": ("nearest",),
    "lenet": ("nearest", "heatmap", "units"),
    "mlp": ("units",),
}
ALLOWED = {0, 2, 130}
TINY = ["--epochs", "1", "--threads", "1", "--precision", "float32", "--memory-format", "contiguous"]
PLAIN = [*TINY, "--allocator", "default"]


@dataclass
class Outcome:
    """What became of the command lines.

    Attributes:
        runs: how many were carried out.
        verbs: how many of each verb ended with each exit code.
        failures: the command line and traceback of each that broke, by where it broke.
    """

    runs: int = 0
    verbs: Counter[tuple[str, int]] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """A run that may be used.

    Attributes:
        path: its folder.
        preset: what was trained; empty: chosen by the command.
        data: what it was trained on.
    """

    path: str
    preset: str
    data: Path


class Fuzzer:
    """Draws data and command lines.

    Args:
        seed: of the draws.
        folder: an empty one to work in.
    """

    def __init__(self, seed: int, folder: Path) -> None:
        self.draw = random.Random(seed)
        self.folder = folder
        self.runs: list[Run] = []
        self.last: Run | None = None
        self.number = 0
        self.target = "target"

    def name(self) -> str:
        """A hostile name, at times two of them together."""
        first = self.draw.choice(NAMES)
        return first if self.draw.random() < 0.8 else (first + self.draw.choice(NAMES))[:120]

    def path(self, ending: str) -> Path:
        """A new path in the folder under a hostile name."""
        self.number += 1
        name = self.name().replace("/", "_").replace("\0", "")
        room = 240 - len(os.fsencode(ending)) - 6
        while len(os.fsencode(name)) > room:
            name = name[:-1]
        return self.folder / f"{self.number}{name}{ending}"

    def table(self) -> Path:
        """A table of few rows, with odd headers and cells, at times constant or broken."""
        if self.draw.random() < 0.85:
            return self.learnable()
        path, draw = self.path(draw_ending(self.draw)), self.draw
        columns = draw.choice((1, 2, 3, 4))
        rows = draw.choice((0, 1, 2, 3, 5, 12, 30))
        separator = "\t" if path.suffix == ".tsv" else draw.choice((",", ",", ";"))
        cells: list[Callable[[int], str]] = []
        for _ in range(columns):
            word, constant = self.name(), draw.choice(VALUES)
            cells.append(
                draw.choice(
                    (
                        lambda row: f"{self.draw.gauss(0, 1):.4f}",
                        lambda row: str(row),
                        lambda row, constant=constant: constant,
                        lambda row: self.draw.choice(VALUES),
                        lambda row, word=word: f"{word}{row % 3}",
                        lambda row: f"2024-01-{1 + row % 28:02d}",
                    )
                )
            )
        names = [self.name() for _ in range(columns)]
        lines = [separator.join(map(quoted, names))]
        lines += [separator.join(quoted(cell(row)) for cell in cells) for row in range(rows)]
        ending = draw.choice(("\n", "\n", "\r\n"))
        path.write_bytes(encoded(ending.join([*lines, ""]), draw))
        self.target = names[-1]
        return path

    def learnable(self) -> Path:
        """A table that something can be learnt from, with hostile names of columns and classes."""
        path, draw = self.path(".csv"), self.draw
        names = [f"{self.name()}{number}" for number in range(3)]
        classes = [f"{self.name()}{number}" for number in range(draw.choice((2, 3)))]
        lines = [",".join(map(quoted, names))]
        kind = draw.choice(("class", "class", "number", "constant"))
        for row in range(draw.choice((20, 30, 60))):
            place = row % len(classes)
            first = 1.0 if kind == "constant" else place + draw.gauss(0, 1)
            answer = quoted(classes[place]) if kind == "class" else f"{0 if kind == 'constant' else first * 2:.4f}"
            lines.append(f"{first:.4f},{draw.gauss(0, 1):.4f},{answer}")
        path.write_bytes(encoded("\n".join([*lines, ""]), draw))
        self.target = names[2]
        return path

    def series(self) -> Path:
        """A daily series, at times constant, short or with gaps."""
        path, draw = self.path(".csv"), self.draw
        rows, kind = draw.choice((3, 90, 150, 150, 240, 240)), draw.choice(("walk", "constant", "gaps", "huge"))
        value, lines = 5.0, [f"date,{quoted(self.name())}"]
        for row in range(rows):
            value += draw.gauss(0, 1) if kind != "constant" else 0
            shown = "" if kind == "gaps" and draw.random() < 0.3 else f"{value * (1e12 if kind == 'huge' else 1):.3f}"
            lines.append(f"{date(2024, 1, 1) + timedelta(row)},{shown}")
        path.write_bytes(encoded("\n".join([*lines, ""]), draw))
        return path

    def text(self) -> Path:
        """A text file: empty, constant, of odd characters, or a page of words."""
        path, draw = self.path(".txt"), self.draw
        words = [self.name() for _ in range(4)]
        page = " ".join(draw.choice(words) for _ in range(300))
        body = draw.choice(("", "a", "aaaa" * 300, page, page, page, "ab cd\n" * 200))
        path.write_bytes(encoded(body, draw))
        return path

    def pictures(self) -> Path:
        """A folder of class folders of tiny pictures, at times constant, broken or of one class."""
        path, draw = self.path(""), self.draw
        classes, count = draw.choice((1, 2, 2, 2, 2, 3, 3)), draw.choice((1, 8, 8, 10, 10))
        side = draw.choice((1, 8, 12, 12, 12))
        constant, names = draw.random() < 0.3, [self.path("").name for _ in range(classes)]
        for name in names:
            folder = path / name
            folder.mkdir(parents=True)
            for number in range(count):
                shape = (side, side) if draw.random() < 0.7 else (side, side, 3)
                values = np.zeros(shape) if constant else np.random.default_rng(number).integers(0, 256, shape)
                file = folder / self.path(draw.choice((".png", ".png", ".jpg", ".PNG"))).name
                Image.fromarray(values.astype(np.uint8)).save(file, "JPEG" if file.suffix == ".jpg" else "PNG")
            if draw.random() < 0.2:
                (folder / self.path(".png").name).write_bytes(b"\x89PNG broken")
        return path

    def picture(self) -> Path:
        """One picture."""
        path, side = self.path(".png"), self.draw.choice((1, 3, 12, 28))
        Image.fromarray(np.random.default_rng(side).integers(0, 256, (side, side)).astype(np.uint8)).save(path, "PNG")
        return path

    def texts(self) -> Path:
        """A table of short texts with an answer each."""
        path, draw = self.path(".csv"), self.draw
        lines = ["review,answer"]
        for row in range(draw.choice((1, 20, 40, 40))):
            lines.append(f"{quoted(f'{self.name()} word')},{('good', 'bad')[row % 2]}")
        path.write_bytes(encoded("\n".join([*lines, ""]), draw))
        self.target = "answer"
        return path

    def sentences(self) -> Path:
        """Sentences in CoNLL columns."""
        path, draw = self.path(".conll"), self.draw
        words = [self.name().replace("\n", "").replace("\t", "") or "x" for _ in range(4)]
        blocks = [
            "\n".join(f"{draw.choice(words)}\t{draw.choice(('A', 'B'))}" for _ in range(draw.choice((1, 3))))
            for _ in range(draw.choice((1, 20, 40, 40)))
        ]
        path.write_bytes(encoded("\n\n".join(blocks) + "\n", draw))
        return path

    def arrays(self) -> Path:
        """An archive of pictures or rows of numbers, at times of odd types, not finite, or without targets."""
        path, draw = self.path(".npz"), self.draw
        values = np.random.default_rng(draw.randrange(100))
        shape = draw.choice(((4,), (4,), (12, 12), (12, 12), (12, 12, 3), (1, 1), (2, 3, 4, 5)))
        inputs = values.integers(0, 256, (draw.choice((2, 30, 60, 60)), *shape))
        inputs = inputs.astype(draw.choice((np.uint8, np.uint8, np.int64, np.uint16, np.float32, np.float64)))
        if inputs.dtype.kind == "f" and draw.random() < 0.3:
            inputs[-1] = draw.choice((np.nan, np.inf, 1e300 if inputs.dtype == np.float64 else 1e30))
        targets = draw.choice((np.arange(len(inputs)) % 3, np.arange(len(inputs)) % 2, values.normal(size=len(inputs))))
        with path.open("wb") as file:
            np.savez(file, x=inputs, **({"y": targets} if draw.random() < 0.9 else {}))
        return path

    def data(self) -> Path:
        """Any of these, or nothing at all."""
        makers = (self.table, self.series, self.text, self.pictures, self.texts, self.sentences, self.picture)
        makers = (*makers, self.arrays)
        return self.draw.choice(makers)() if self.draw.random() < 0.95 else self.path(".csv")

    def command(self) -> list[str]:
        """The next command line: a run is trained, or one of those that there are is used."""
        draw = self.draw
        if not self.runs or draw.random() < 0.3:
            return self.train()
        return draw.choice((self.use, self.use, self.alone))()

    def kept(self, code: int) -> None:
        """Remembers the run that the last command line trained, if there is one to use."""
        if self.last is not None and (code == 0 or self.draw.random() < 0.05):
            self.runs = [*self.runs[-11:], self.last]

    def train(self) -> list[str]:
        """Trains a small preset on data that may suit it."""
        draw = self.draw
        preset, maker = draw.choice(
            (
                ("mlp", self.table),
                ("mlp", self.arrays),
                ("linear", self.table),
                ("lenet", self.pictures),
                ("lenet", self.arrays),
                ("linear", self.pictures),
                ("forecast", self.series),
                ("char-rnn", self.text),
                ("sentiment", self.texts),
                ("tagger", self.sentences),
                ("points", self.table),
                ("embed", self.pictures),
                ("", self.data),
            )
        )
        data = maker() if draw.random() < 0.95 else self.data()
        out = str(self.path("run"))
        self.last = Run(out, preset, data)
        words = ["train", *([preset] if preset else []), "--data", str(data), *PLAIN, f"--out={out}"]
        if maker in (self.table, self.texts) or draw.random() < 0.05:
            words += [f"--target={self.target if draw.random() < 0.95 else self.name()}"]
        if draw.random() < 0.1:
            words += ["--batch-size", str(draw.choice((1, 2, 1000)))]
        if draw.random() < 0.1:
            words += ["--test", str(draw.choice((0, 0.5, 0.9))), "--validation", str(draw.choice((0, 0.5)))]
        if draw.random() < 0.1:
            words += ["--column", f"{self.name()}={draw.choice(('number', 'category', 'text', 'drop', 'x'))}"]
        if preset in {"char-rnn", "sentiment", "tagger"}:
            words += ["--hidden-size", "4"]
        if preset == "embed":
            words += ["--held-out-classes", "0"]
        if preset == "forecast" and draw.random() < 0.9:
            words += ["--horizon", "3", "--window", "8"]
        return words

    def use(self) -> list[str]:
        """A verb of a run, which mostly suits it; the run may be unfinished, or not there."""
        draw = self.draw
        known = draw.choice(self.runs) if draw.random() < 0.97 else Run(self.name(), "", self.data())
        run = known.path
        given = str(self.data() if draw.random() < 0.2 else inside(known.data, draw))
        page = str(self.path(draw.choice((".html", ".html", ".png", ".csv", ".csv", ".txt"))))
        own = OF_PRESETS.get(known.preset)
        if own is not None and draw.random() < 0.2:
            verb = draw.choice(own)
        else:
            verb = draw.choice((*ALWAYS, *ALWAYS, "write", "nearest", "heatmap", "forecast", "units"))
        return {
            "predict": lambda: ["predict", run, given],
            "predict more": lambda: ["predict", run, given, self.name(), "--out", page],
            "predict both": lambda: ["predict", run, given, str(self.data()), "--csv", page, "--json"],
            "evaluate": lambda: ["evaluate", run],
            "evaluate on": lambda: ["evaluate", run, "--data", given],
            "resume": lambda: ["resume", run],
            "resume on": lambda: ["resume", run, "--data", given],
            "diagnose": lambda: ["diagnose", run],
            "diagnose on": lambda: ["diagnose", run, "--data", given],
            "open": lambda: ["open", run, given],
            "open for": lambda: ["open", run, given, "--target", self.name(), "--out", page],
            "open wide": lambda: ["open", run, given, "--features", "--attribution", "--out", page],
            "landscape": lambda: ["open", run, given, "--landscape", "--out", page],
            "forecast": lambda: ["forecast", run],
            "forecast on": lambda: ["forecast", run, "--data", given, "--out", page],
            "write": lambda: ["write", run, "--prompt", self.name(), "--length", "20"],
            "units": lambda: ["units", run, given],
            "nearest": lambda: ["nearest", run, given if draw.random() < 0.5 else str(self.picture()), "--out", page],
            "heatmap": lambda: ["heatmap", run, str(self.picture()), "--out", page],
            "export": lambda: [
                *("export", run, "--to", draw.choice(("onnx", "safetensors", "state-dict"))),
                *("--out", str(self.path(draw.choice((".onnx", ".safetensors", ".pt"))))),
            ],
            "count": lambda: ["count", run],
            "compare": lambda: ["compare", run, draw.choice(self.runs).path],
            "on": lambda: ["train", "--from", run, *PLAIN, f"--out={self.path('more')}"],
            "on with": lambda: ["train", "--from", run, "--data", given, *PLAIN, f"--out={self.path('more')}"],
            "runs": lambda: ["runs"],
        }[verb]()

    def alone(self) -> list[str]:
        """A verb that needs no run."""
        draw, page = self.draw, str(self.path(self.draw.choice((".html", ".png", ".svg"))))
        return draw.choice(
            (
                ["graph", self.name(), f"{self.name()}=1"],
                ["graph", draw.choice(("x*y", "1/x", "log(x)", "x**y", "exp(x*1000)")), "x=0", "y=-1"],
                ["count", self.name()],
                ["count", draw.choice(("32x32x3 conv5x5x64 pool2 fc10", "1x1x1 fc1", "8x8 conv9x9x1", "28x28x1"))],
                ["convolve", str(self.picture()), "--kernel", draw.choice(("sobel-x", self.name(), "1 0; 0 1", ""))],
                ["convolve", str(self.picture()), "--out", page],
                ["systems", "show", self.name()],
                [self.name()],
                self.study("label-errors", "--folds", "2"),
                self.study("crossvalidate", "mlp", "--folds", "2"),
                self.study("vary", "points", "hidden", "2", "3"),
                self.study("tune", "mlp", "--trials", "2"),
                self.study("rate", "mlp"),
                ["runs", "--json"],
                ["compare", self.name(), self.name()],
            )
        )

    def study(self, *words: str) -> list[str]:
        """A study on a table, whose target is mostly named."""
        data = self.table()
        named = [f"--target={self.target}"] if self.draw.random() < 0.9 else []
        given = [str(data)] if words[0] == "label-errors" else ["--data", str(data)]
        return [*words, *given, *named, *(["--epochs", "1"] if words[0] != "rate" else []), "--threads", "1"]


def inside(path: Path, draw: random.Random) -> Path:
    """The path, or of a folder at times one of its files."""
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else []
    return draw.choice(files) if files and draw.random() < 0.7 else path


def draw_ending(draw: random.Random) -> str:
    """How the name of a table ends."""
    return draw.choice((".csv", ".csv", ".tsv", ".txt"))


def quoted(cell: str) -> str:
    """The cell as a CSV file has it."""
    return '"' + cell.replace('"', '""') + '"' if any(mark in cell for mark in ',;\t\n"\r') else cell


def encoded(text: str, draw: random.Random) -> bytes:
    """The bytes of a text: mostly UTF-8, with what is not UTF-8 as it is."""
    if draw.random() < 0.05:
        return text.encode("utf-16", "replace")
    return text.encode("utf-8", "surrogateescape") if not _lone(text) else text.encode("utf-8", "replace")


def _lone(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" and not "\udc80" <= letter <= "\udcff" for letter in text)


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """With standard output and error kept apart, as strict about encoding as a terminal's."""
    kept = sys.stdout, sys.stderr
    sys.stdout = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="strict")
    sys.stderr = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace")
    try:
        yield
    finally:
        sys.stdout, sys.stderr = kept


def carry_out(words: Sequence[str]) -> int:
    """Carries out one command line; its exit code."""
    from glasswork.cli import main

    with silent():
        try:
            return main(words)
        except SystemExit as ended:
            return int(ended.code or 0)


def fuzz(runs: int | None, seconds: float | None, seed: int, verbose: bool = False) -> Outcome:
    """Carries out command lines until there were so many, or the time is over.

    Args:
        runs: how many; None: as many as the time allows.
        seconds: how long; None: no limit.
        seed: of the draws.
        verbose: print each failure as it comes.
    """
    began, outcome, before = time.monotonic(), Outcome(), Path.cwd()
    folder = Path(tempfile.mkdtemp(prefix="fuzz"))
    os.environ.setdefault("GLASSWORK_CACHE", str(folder / "cache"))
    fuzzer: Fuzzer | None = None
    try:
        while (runs is None or outcome.runs < runs) and (seconds is None or time.monotonic() - began < seconds):
            if fuzzer is None or outcome.runs % 200 == 0:
                os.chdir(before)
                work = folder / str(outcome.runs)
                work.mkdir()
                os.chdir(work)
                shutil.rmtree(folder / str(outcome.runs - 200), ignore_errors=True)
                fuzzer = Fuzzer(seed + outcome.runs, work)
            fuzzer.last = None
            words = fuzzer.command()
            outcome.runs += 1
            try:
                code = carry_out(words)
            except Exception as error:
                place = traceback.extract_tb(error.__traceback__)[-1]
                ours = [one for one in traceback.extract_tb(error.__traceback__) if "glasswork" in one.filename]
                place = ours[-1] if ours else place
                key = f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}"
                if key not in outcome.failures:
                    outcome.failures[key] = f"{words!r}\n{''.join(traceback.format_exception(error))}"
                    if verbose:
                        print(f"{key}\n{outcome.failures[key]}", flush=True)
                continue
            fuzzer.kept(code)
            outcome.verbs[words[0], code] += 1
            if code not in ALLOWED:
                outcome.failures[f"exit code {code} of {words[0]}"] = repr(words)
    finally:
        os.chdir(before)
        shutil.rmtree(folder, ignore_errors=True)
    return outcome


def main() -> int:
    """The command: how many were carried out, and where they broke."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--runs", type=int, default=None, help="command lines to carry out")
    parser.add_argument("--seconds", type=float, default=None, help="stop after this time")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    outcome = fuzz(options.runs or (None if options.seconds else 500), options.seconds, options.seed, verbose=True)
    for (verb, code), count in sorted(outcome.verbs.items(), key=lambda pair: (pair[0][1], -pair[1])):
        if len(verb) < 20 and verb.replace("-", "").isalpha():
            print(f"{verb:16} exit {code}: {count}")
    print(f"{outcome.runs} command lines, {len(outcome.failures)} kinds of failure")
    return 1 if outcome.failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
