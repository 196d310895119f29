"""Mutated samples of every format and of run folders, read.

`python -m tests.fuzz_readers --inputs 100000 --seconds 600`

A reader may refuse a file in one sentence (GlassworkError) or read it. It may not raise anything else, take 2 s, take
500 MB, or open files outside of the sample's folder.
"""

import argparse
import contextlib
import faulthandler
import io
import os
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent / "data")]

from reader_samples import SAMPLES

from glasswork import catalogue
from glasswork.cli import main as command
from glasswork.data import reading
from glasswork.data.dataset import ReadingOptions
from glasswork.errors import GlassworkError
from glasswork.run.prepare import read_and_split
from glasswork.run.request import make_request
from made_data import PLAIN, flags, write_npz

MOST_SECONDS, MOST_BYTES = 2.0, 500 * 2**20
MOST_WAIT = 100  # seconds by the clock, as other programs may keep the machine busy
TOKENS = (
    *(b"9" * 5000, b"-1", b"1e999", b"nan", b"\x00", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b'"', b",", b"\n"),
    *(b"../../../../etc/passwd", b"/dev/zero", b"=cmd|' /C calc'!A0", b"\x1b[2J", b"\xed\xa0\x80", b"{}", b"[" * 3000),
)
Read = Callable[[Path], None]


@dataclass
class Target:
    """A sample, and what reads it."""

    name: str
    source: Path
    read: Read


@dataclass
class Outcome:
    """How many inputs were read and refused, and each kind of failure once."""

    read: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def inputs(self) -> int:
        return self.read.total() + self.refused.total()


def mutate(data: bytes, draw: random.Random) -> bytes:
    """One to three changes."""
    changed = bytearray(data)
    for _ in range(draw.randint(1, 3)):
        at, length = draw.randrange(len(changed) + 1), draw.choice((1, 2, 4, 16, 64))
        kind = draw.randrange(7)
        if kind == 0 and at < len(changed):
            changed[at] ^= 1 << draw.randrange(8)
        elif kind == 1:
            del changed[at:]
        elif kind == 2:
            changed[at : at + length] = draw.choice(TOKENS)
        elif kind == 3:
            changed[at:at] = draw.choice(TOKENS)
        elif kind == 4:
            changed[at : at + length] = draw.randbytes(length)
        elif kind == 5:
            changed[at:at] = changed[at : at + 100 * length]
        else:
            del changed[at : at + length]
    return bytes(changed)


def targets(folder: Path) -> Iterator[Target]:
    """The samples of all formats, the data of all systems' samples, and run folders."""
    for reader, samples in SAMPLES.items():
        for given, write in zip(("whole", "split"), samples, strict=True):
            name = f"{reader.__name__.rpartition('.')[2]} {given}"
            place = folder / name.replace(" ", "-")
            path = write(place).relative_to(place)

            def read(root: Path, reader: object = reader, path: Path = path) -> None:
                reading._read(reader.read, root / path, ReadingOptions())  # type: ignore[attr-defined]

            yield Target(name, place, read)
    for name, row in catalogue.SYSTEMS.items():
        if not row.data:
            continue
        place = folder / f"system-{name}"
        place.mkdir()
        preset = row.presets[0].name
        sample = catalogue.make_system(name, make_request(preset, {}).recipe).sample(place)
        if not Path(sample.data).is_relative_to(place):
            continue  # a built-in data set
        asked = (preset, dict(sample.options), Path(sample.data).relative_to(place))

        def read_system(root: Path, asked: tuple[str, dict[str, Any], Path] = asked) -> None:
            read_and_split(make_request(asked[0], {**asked[1], "data": str(root / asked[2])}))

        yield Target(f"system {name}", place, read_system)
    runs = folder / "runs"
    runs.mkdir()
    write_npz(runs / "data.npz", "class")
    values = {**PLAIN, "data": str(runs / "data.npz"), "epochs": 1, "out": str(runs / "run")}
    assert quietly(["train", "mlp", *flags(values)]) == 0
    again = f"train --from {{}} --epochs 1 {' '.join(flags(PLAIN))} --out {{}}-more"
    for words in ("evaluate {}", "compare {} {}", "count {}", "resume {}", again):

        def carry_out(root: Path, words: str = words) -> None:
            code = quietly(words.format(*[root / "run"] * 2).split())
            if code not in (0, 2):
                raise AssertionError(f"exit code {code}")

        yield Target(f"run: {words.split()[0]}", runs, carry_out)


def quietly(words: list[str]) -> int:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return command(words)


def fuzz(inputs: int | None, seconds: float | None, seed: int = 0, only: str = "") -> Outcome:
    """Reads mutated samples, each target in turn.

    Args:
        inputs: how many; None: as many as the time allows.
        seconds: how long; None: no limit.
        seed: of the draws.
        only: part of the name of the targets.
    """
    folder = Path(tempfile.mkdtemp(prefix="fuzz-readers"))
    os.environ["GLASSWORK_CACHE"] = str(folder / "cache")
    torch.set_num_threads(1)
    outcome, draw, opened = Outcome(), random.Random(seed), list[str]()
    sys.addaudithook(lambda event, values: opened.append(str(values[0])) if event == "open" else None)
    try:
        chosen = [target for target in targets(folder) if only in target.name]
        for target in chosen:
            target.read(target.source)  # imports what it needs, and shows that the sample is read
            shutil.rmtree(target.source / "run-more", ignore_errors=True)
        began, place = time.monotonic(), 0
        while (inputs is None or outcome.inputs < inputs) and (seconds is None or time.monotonic() - began < seconds):
            target, place = chosen[place % len(chosen)], place + 1
            work = folder / "work"
            shutil.rmtree(work, ignore_errors=True)
            shutil.copytree(target.source, work)
            files = sorted(path for path in work.rglob("*") if path.is_file() and path.suffix not in (".html", ".lock"))
            file = draw.choice([path for path in files if target.name[:4] != "run:" or "run" in path.parts] or files)
            file.write_bytes(mutated := mutate(file.read_bytes(), draw))
            # What hangs inside of a library cannot be stopped; the input is then left in the folder `work`.
            faulthandler.dump_traceback_later(MOST_WAIT, exit=True)
            _try(target, work, outcome, opened, f"{file.relative_to(work)}: {mutated[:300]!r}")
    finally:
        faulthandler.cancel_dump_traceback_later()
        shutil.rmtree(folder, ignore_errors=True)
    return outcome


def _try(target: Target, work: Path, outcome: Outcome, opened: list[str], what: str) -> None:
    opened.clear()
    began, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    failure = ""
    try:
        target.read(work)
        outcome.read[target.name] += 1
    except (GlassworkError, OSError):  # `reading.read` makes one sentence of the latter
        outcome.refused[target.name] += 1
    except Exception as error:
        outcome.refused[target.name] += 1
        frames = traceback.extract_tb(error.__traceback__)
        ours = [frame for frame in frames if "glasswork" in frame.filename] or list(frames)
        failure = f"{type(error).__name__} at {Path(ours[-1].filename).name}:{ours[-1].lineno}"
        what = f"{what}\n{''.join(traceback.format_exception(error))}"
    took = time.process_time() - began  # a wait ends the process after MOST_WAIT
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    if took > MOST_SECONDS:
        failure = f"{took:.0f} s in {target.name}"
    if grown > MOST_BYTES:
        failure = f"{grown / 2**20:,.0f} MB in {target.name}"
    foreign = [name for name in opened if name.startswith(("/etc/passwd", "/dev/zero")) or "/../" in name]
    if foreign:
        failure = f"opened {foreign[0]} in {target.name}"
    if failure:
        outcome.failures.setdefault(failure, f"{target.name}: {what}")


def main() -> int:
    """The command: how many inputs were read, and where readers broke."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz_readers", description=__doc__)
    parser.add_argument("--inputs", type=int, default=None, help="how many")
    parser.add_argument("--seconds", type=float, default=None, help="stop after this time")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="part of the name of what is read")
    options = parser.parse_args()
    outcome = fuzz(options.inputs or (None if options.seconds else 1000), options.seconds, options.seed, options.only)
    for name in outcome.read | outcome.refused:
        print(f"{name:30} read {outcome.read[name]:7,}  refused {outcome.refused[name]:7,}")
    for failure, what in outcome.failures.items():
        print(f"\n{failure}\n{what}")
    print(f"{outcome.inputs:,} inputs, {len(outcome.failures)} kinds of failure")
    return 1 if outcome.failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
