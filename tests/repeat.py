"""Trains presets again and again under differing conditions and compares what comes out, bit for bit.

    python -m tests.repeat --times 50 --presets all
    python -m tests.repeat --times 2 --threads 1 2 3 4      # which numbers of threads give the same weights
    python -m tests.repeat --times 10 --forget              # what is measured is measured anew each time

Every time is a process of its own, which trains each preset once on small made data, beginning with another one. It
has its own hash seed, locale, time zone, working folder and umask; the data cache is warm or cold; every third time
another process keeps a core busy. Compared are the weights, the losses of every step and the figures of the result.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack, chdir, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from tests.golden.scenes import JOBS

LOCALES = ("C", "C.UTF-8", "de_DE.UTF-8", "tr_TR.UTF-8", "POSIX", "ja_JP.eucJP")
ZONES = ("UTC", "Asia/Kathmandu", "America/St_Johns", "Pacific/Apia")
BUSY = "while True: sum(range(10000))"
COMPARED = ("weights", "losses", "figures")


@dataclass(frozen=True)
class Time:
    """One of the times.

    Attributes:
        number: from 0; all conditions follow from it.
        presets: what is trained.
        threads: of one operation; None: as many as the run takes by itself.
        forget: whether what was measured is forgotten before.
    """

    number: int
    presets: tuple[str, ...]
    threads: int | None
    forget: bool

    def environment(self, cache: Path) -> dict[str, str]:
        """What the process is told beside its command."""
        spoken = LOCALES[self.number % len(LOCALES)]
        return {
            **os.environ,
            "PYTHONHASHSEED": str(1 + 7919 * self.number),
            "LC_ALL": spoken,
            "LANG": spoken,
            "TZ": ZONES[self.number % len(ZONES)],
            "COLUMNS": str(40 + self.number),
            "GLASSWORK_CACHE": str(cache),
        }

    def digests(self, base: Path) -> dict[str, dict[str, str]]:
        """Preset to what came out, from a process of its own.

        Args:
            base: holds `data/<preset>` and the cache.
        """
        cold, folder = self.number % 2 == 1, base / "data"
        cache = base / "cache"
        if self.forget:
            shutil.rmtree(cache / "execution", ignore_errors=True)
        if cold:  # a copy elsewhere is other data to the cache
            folder = base / f"another folder {self.number} é"
            shutil.copytree(base / "data", folder)
        turn = self.number % len(self.presets)
        spec = [str(folder), [*self.presets[turn:], *self.presets[:turn]], self.threads]
        words = [sys.executable, "-m", "tests.repeat", "--one", json.dumps(spec)]
        with ExitStack() as stack:
            if self.number % 3 == 2:
                busy = subprocess.Popen([sys.executable, "-c", BUSY])
                stack.callback(busy.wait)
                stack.callback(busy.kill)
            done = subprocess.run(words, env=self.environment(cache), capture_output=True, text=True, encoding="utf-8")
        if cold:
            shutil.rmtree(folder)
        if done.returncode != 0:
            raise SystemExit(f"time {self.number} failed:\n{done.stderr}")
        found: dict[str, dict[str, str]] = json.loads(done.stdout.splitlines()[-1])
        return found


def train_all(folder: Path, presets: list[str], threads: int | None) -> dict[str, dict[str, str]]:
    """Trains each preset once in this process; digests of what came out, and the arithmetic that was used."""
    from glasswork.cli import main

    found = {}
    for preset in presets:
        job = JOBS[preset]
        words = f"train {preset} --data {job.data} {job.flags} {job.short} --device cpu --out run --json".split()
        words += [] if threads is None else ["--threads", str(threads)]
        with chdir(folder / preset), redirect_stdout(StringIO()):
            shutil.rmtree("run", ignore_errors=True)
            if main(words) != 0:
                raise SystemExit(f"{preset} cannot be trained: {' '.join(words)}")
            found[preset] = _digests(Path("run"))
            shutil.rmtree("run")
    return found


def _digests(run: Path) -> dict[str, str]:
    result = json.loads((run / "result.json").read_text(encoding="utf-8"))
    figures = json.dumps([result["validation"], result["test"], result["steps"]]).encode()
    written = ((run / "model/model.safetensors").read_bytes(), (run / "steps.jsonl").read_bytes(), figures)
    numerics = (run / "resolved.toml").read_text(encoding="utf-8").partition("[numerics]")[2].partition("[")[0]
    digests = [hashlib.sha256(one).hexdigest()[:16] for one in written]
    return {**dict(zip(COMPARED, digests, strict=True)), "arithmetic": " ".join(numerics.split())}


def _report(times: list[tuple[Time, dict[str, dict[str, str]]]], presets: tuple[str, ...]) -> int:
    """Prints a line per preset; how many presets differ."""
    different = 0
    for preset in presets:
        seen = Counter(tuple(found[preset][name] for name in COMPARED) for _, found in times)
        most = seen.most_common(1)[0][1]
        ways = Counter(found[preset]["arithmetic"] for _, found in times)
        note = (
            ""
            if len(seen) == 1
            else f"   {len(seen)} different outcomes: "
            + "; ".join(
                ", ".join(
                    f"time {time.number} ({time.threads or 'all'} threads)"
                    for time, found in times
                    if tuple(found[preset][name] for name in COMPARED) == outcome
                )
                for outcome in seen
            )
        )
        print(f"{preset:20} {most} of {len(times)}   {len(ways)} arithmetic{'s' * (len(ways) > 1)}{note}", flush=True)
        different += len(seen) > 1
    print(f"{len(presets) - different} of {len(presets)} presets are the same in all {len(times)} times")
    return different


def main(arguments: list[str]) -> int:
    """Carries the command out; 1 if something differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.repeat", description=__doc__)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--presets", nargs="+", default=["all"], help="names; small: without large networks; all")
    parser.add_argument("--threads", nargs="+", type=int, help="numbers of threads to compare (default: as a run does)")
    parser.add_argument("--forget", action="store_true", help="forget what was measured before each time")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.one is not None:
        folder, presets, threads = json.loads(options.one)
        print(json.dumps(train_all(Path(folder), presets, threads)))
        return 0
    small = [name for name, job in JOBS.items() if not job.large]
    names = {"all": list(JOBS), "small": small}.get(options.presets[0], options.presets)
    memory = Path("/dev/shm")
    times: list[tuple[Time, dict[str, dict[str, str]]]] = []
    with tempfile.TemporaryDirectory(prefix="repeat-", dir=memory if memory.is_dir() else None) as temporary:
        base = Path(temporary).resolve()
        for name in names:
            (base / "data" / name).mkdir(parents=True)
            with chdir(base / "data" / name):
                JOBS[name].prepare()
        try:
            for number in range(options.times):
                for threads in options.threads or [None]:
                    time = Time(number, tuple(names), threads, options.forget)
                    times.append((time, time.digests(base)))
                same = all(found == times[0][1] for _, found in times)
                so_far = "all the same" if same else "not all the same"
                print(f"{number + 1} of {options.times}: {so_far}", file=sys.stderr, flush=True)
        except KeyboardInterrupt:
            print(f"stopped after {len(times)} times", file=sys.stderr)
        return 1 if times and _report(times, tuple(names)) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
