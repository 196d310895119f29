"""Absurd numbers in the numeric fields of every recipe: learned with, or refused in one sentence, in little memory.

`python -m tests.absurd --presets lenet embed --values 100000 1000000000000` trains each preset on its own sample, one
field at a time. What fails is a traceback, a killed process, or more than 500 MB beyond what the same training takes
with the field as it is. What fits into the memory may take its time, and is stopped after some seconds.
"""

import argparse
import contextlib
import math
import os
import random
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from glasswork.catalogue import PRESETS, make_system, preset, row_of
from glasswork.run.request import make_request

VALUES = ("100000", "1000000000", "1000000000000000000", "1e300", "1e-300")
LASTING = {"epochs", "budget", "seed"}  # many epochs may last
SAME = {"vgg11", "vgg13", "vgg16", "vgg19", "alexnet", "resnet18", "resnet34", "resnet50", "efficientnet-lite0", "own"}
TRIED = [name for name in PRESETS if name not in SAME and row_of(PRESETS[name].system).data]
"""Of the presets that are the same but for their network, one; those without a data set have no sample to learn."""
SECONDS, HANGS, BYTES = 10, 120, 500 * 2**20
"""Of processor time, and until a process hangs; and of memory."""
STOPPED = {-signal.SIGXCPU, -signal.SIGKILL}
FLAGS = ("--threads", "1", "--precision", "float32", "--memory-format", "contiguous", "--allocator", "default")


@dataclass(frozen=True)
class Outcome:
    """How one command line ended.

    Attributes:
        code: the exit code; negative: the signal that ended it.
        seconds: of processor time.
        peak: bytes of memory.
        said: its standard error.
    """

    code: int
    seconds: float
    peak: int
    said: str


def numeric_fields(name: str, kinds: Sequence[str]) -> list[str]:
    """The fields of a preset's recipe that take numbers and whose size may be absurd."""
    fields = row_of(preset(name).system).recipe.model_fields
    return [
        key
        for key, field in fields.items()
        if key not in LASTING and any(kind in str(field.annotation) for kind in kinds)
    ]


def run(words: Sequence[str], folder: Path) -> Outcome:
    """Carries a command line out in a process of its own."""
    output = folder / "said.txt"
    child = os.fork()
    if child == 0:
        code = 99
        with contextlib.suppress(BaseException):
            os.chdir(folder)
            file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(file, 1)
            os.dup2(file, 2)
            sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w", buffering=1)  # past what pytest put there
            resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
            code = _main(words)
            sys.stdout.flush()
        os._exit(code)
    code, used = _wait(child)
    return Outcome(code, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024, output.read_text(errors="replace"))


def _wait(child: int) -> tuple[int, resource.struct_rusage]:
    """The exit code of a process and what it used; it is killed if it takes much longer than its processor time."""
    until = time.monotonic() + HANGS
    while time.monotonic() < until:
        ended, status, used = os.wait4(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status), used
        time.sleep(0.02)
    os.kill(child, signal.SIGTERM)
    return -signal.SIGTERM, os.wait4(child, 0)[2]


def _main(words: Sequence[str]) -> int:
    import traceback

    from glasswork.cli import main

    try:
        return main(words)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    except BaseException:
        traceback.print_exc()
        return 98


def problem(outcome: Outcome, usual: Outcome) -> str:
    """What is wrong with an outcome; empty if nothing is."""
    if outcome.peak > usual.peak + BYTES:
        return f"took {outcome.peak // 2**20} MB"
    if outcome.code not in {0, 2, *STOPPED} or "Traceback" in outcome.said:
        return f"ended with {outcome.code}"
    if outcome.code == 2 and not outcome.said.rstrip().splitlines()[-1].startswith(("glasswork: ", "usage")):
        return "said no sentence"
    return ""


def prepared(name: str, folder: Path) -> list[str]:
    """The words that train a preset on its sample."""
    asked = make_request(name, {})
    sample = make_system(asked.system, asked.recipe).sample(folder)
    words = ["train", name, "--data", str(sample.data), *FLAGS]
    for key, value in {"epochs": 1, **sample.options}.items():
        text = ",".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)
        flag = key.replace("_", "-")
        words.append(f"--no-{flag}" if value is False else f"--{flag}" if value is True else f"--{flag}={text}")
    return words


def attempt(name: str, values: Sequence[str], fields: Sequence[str]) -> list[str]:
    """Sentences about what fails for one preset."""
    found = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "work").mkdir()
        words = prepared(name, folder)
        usual = run(words, folder / "work")
        for field in fields:
            for value in values:
                flag = f"--{field.replace('_', '-')}"
                others = [word for word in words if not word.startswith(f"{flag}=")]
                outcome = run([*others, f"{flag}={value}"], folder / "work")
                wrong = problem(outcome, usual)
                last = (outcome.said.rstrip().splitlines() or [""])[-1][:150]
                line = (
                    f"{name} {flag} {value}: {outcome.code}, {outcome.seconds:.1f} s, {outcome.peak >> 20} MB ({last})"
                )
                print(f"{'FAILS: ' if wrong else ''}{line}", flush=True)
                found += [f"{wrong}: {line}"] if wrong else []
    return found


def main() -> None:
    """Carries out what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--presets", nargs="*", default=TRIED)
    parser.add_argument("--fields", nargs="*", default=[])
    parser.add_argument("--kinds", nargs="*", default=["int", "float"])
    parser.add_argument("--values", nargs="*", default=VALUES)
    parser.add_argument("--share", type=float, metavar="SECONDS", help="only some fields of some presets, for so long")
    options = parser.parse_args()
    import torch  # noqa: F401  (once for all processes)

    import glasswork.run.finish  # noqa: F401

    draws, until, failures = random.Random(0), time.monotonic() + (options.share or math.inf), []
    for name in options.presets if options.share is None else draws.sample(options.presets, len(options.presets)):
        fields = options.fields or numeric_fields(name, options.kinds)
        if options.share is not None:
            fields = draws.sample(fields, min(3, len(fields)))
        failures += attempt(name, options.values, fields)
        if time.monotonic() > until:
            break
    print(f"{len(failures)} failures")
    raise SystemExit(bool(failures))


if __name__ == "__main__":
    main()
