"""Records what a working tree does: python -m tests.golden.record OUT [--only NAME ...] [--training-only] [--native].

Writes OUT/<scene>.json (figures and words) and OUT/<scene>.hashes.json (batches, weights, checkpoints) for every scene.
Which tree is recorded is PYTHONPATH's business; `tests.golden.compare` compares two such folders.
"""

import argparse
import fnmatch
import io
import json
import os
import shlex
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Sequence
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

SECONDS = "seconds.txt"
"""Seconds of processor time for every line, beside the records; not compared."""

UNTRACED = {"export"}
"""Verbs that trace the network, which torch's global hooks would be part of."""


class Ended(BaseException):
    """The process was told to end; no line may take it for its own exit."""


def end(*_: object) -> None:
    """Ends the process in order, so that the temporary folder goes."""
    raise Ended


ALONE = {
    **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
    **{"COLUMNS": "200", "TERM": "dumb", "NO_COLOR": "1", "PYTHONHASHSEED": "0"},
}
"""One thread, one width of the terminal and one order of sets, whatever the machine has."""
PLAIN = {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "MKL_CBWR": "COMPATIBLE"}
"""The plainest kernels, which every processor has, as fast on scenes as small as these."""


def alone(arguments: list[str], native: bool) -> None:
    """Starts over where the process did not begin with `ALONE`, and keeps to one core."""
    wanted = {**ALONE, **dict.fromkeys(PLAIN)} if native else {**ALONE, **PLAIN}
    if any(os.environ.get(name) != value for name, value in wanted.items()):
        variables = {name: value for name, value in {**os.environ, **wanted}.items() if value is not None}
        os.execve(sys.executable, [sys.executable, "-m", "tests.golden.record", *arguments], variables)
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[os.getpid() % len(cores)]})


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.golden.record", description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="scenes, also as patterns such as 'preset-*'")
    parser.add_argument("--training-only", action="store_true", help="the first line of every scene")
    parser.add_argument("--native", action="store_true", help="with the processor's own kernels, not the plainest")
    options = parser.parse_args(arguments)
    alone(arguments, options.native)
    from tests.golden.scenes import SCENES

    chosen = [s for s in SCENES if not options.only or any(fnmatch.fnmatch(s.name, p) for p in options.only)]
    if not chosen:
        parser.error(f"no such scene; there are {', '.join(scene.name for scene in SCENES)}")
    options.out.mkdir(parents=True, exist_ok=True)
    out = options.out.absolute()
    import glasswork

    signal.signal(signal.SIGTERM, end)
    print(f"recording {len(chosen)} scenes of {Path(glasswork.__file__).parent}", flush=True)
    began = time.monotonic()
    seconds: dict[str, dict[str, float]] = {}
    memory = Path("/dev/shm")  # a checkpoint is flushed to the disk, which takes longer than all the rest
    with tempfile.TemporaryDirectory(prefix="golden-", dir=memory if memory.is_dir() else None) as name:
        folder = Path(name).resolve()
        os.environ["GLASSWORK_CACHE"] = str(folder / "cache")
        os.environ["GLASSWORK_DATA"] = str(folder / "downloads")
        for scene in chosen:
            started = time.monotonic()
            lines = scene.lines[:1] if options.training_only else scene.lines
            found, hashes, seconds[scene.name] = played(scene, lines, folder / "scenes" / scene.name)
            for ending, value in ((".json", found), (".hashes.json", hashes)):
                (out / f"{scene.name}{ending}").write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
            crashed = [label for label, line in found.items() if isinstance(line, dict) and "crash" in line]
            note = f"  crashed: {', '.join(crashed)}" if crashed else ""
            print(f"{time.monotonic() - started:6.1f} s  {scene.name}{note}", flush=True)
    print(f"{time.monotonic() - began:6.1f} s  in all", flush=True)
    noted = json.loads((out / SECONDS).read_text(encoding="utf-8")) if (out / SECONDS).exists() else {}
    (out / SECONDS).write_text(json.dumps({**noted, **seconds}, indent=1) + "\n", encoding="utf-8")
    return 0


def played(scene: Any, lines: Sequence[Any], folder: Path) -> tuple[dict[str, Any], dict[str, Any], dict[str, float]]:
    """Carries a scene out in a folder of its own: figures and words, hashes and seconds of each of its lines."""
    folder.mkdir(parents=True)
    before = Path.cwd()
    os.chdir(folder)
    found: dict[str, Any] = {}
    hashes: dict[str, Any] = {}
    seconds: dict[str, float] = {}
    try:
        scene.prepare()
        for line in lines:
            label, began = labelled(line, found), time.process_time()
            found[label], hashes[label] = carried_out(line, folder)
            seconds[label] = round(time.process_time() - began, 2)
    except Exception:
        found["scene"] = {"crash": traceback.format_exc().splitlines()[-1]}
    finally:
        os.chdir(before)
        shutil.rmtree(folder, ignore_errors=True)
    return found, {label: value for label, value in hashes.items() if value}, seconds


def labelled(line: Any, taken: dict[str, Any]) -> str:
    """A name for a line: its own words for a refusal, otherwise its verb and how often there was one before."""
    if not isinstance(line, str):
        stem = line.label
    elif line.startswith("! "):
        return line.removeprefix("! ")
    else:
        stem = shlex.split(line)[0]
    number = 1 + sum(label.partition("#")[0] == stem for label in taken)
    return stem if number == 1 else f"{stem}#{number}"


def carried_out(line: Any, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """One line: exit code, what it printed, what became of the folder."""
    from tests.golden.described import lines_of, plain
    from tests.golden.internals import batches

    known = snapshot(folder)
    out, err = io.StringIO(), io.StringIO()
    found: dict[str, Any] = {"line": line if isinstance(line, str) else line.label}
    hashes: dict[str, Any] = {}
    words = shlex.split(line.removeprefix("! ")) if isinstance(line, str) else []
    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings(action="ignore"))
        stack.enter_context(redirect_stdout(out))
        stack.enter_context(redirect_stderr(err))
        seen = [] if words and words[0] in UNTRACED else stack.enter_context(batches())
        try:
            if isinstance(line, str):
                from glasswork.cli import main as glasswork

                found["code"] = glasswork(words)
            else:
                returned = line()
                found["returned"], hashes["returned"] = plain(returned[0], folder), returned[1]
        except SystemExit as ended:
            found["code"] = ended.code
        except Exception as error:
            found["crash"] = plain(f"{type(error).__name__}: {error}", folder)
    if seen:
        hashes["batches"] = seen
    printed = out.getvalue()
    if "--json" in words and printed.count("\n") == 1:
        found["json"] = plain(json.loads(printed), folder)
    elif printed:
        found["printed"] = plain(lines_of(printed, folder), folder)
    if err.getvalue():
        found["said"] = lines_of(err.getvalue(), folder)
    add_files(found, hashes, folder, known)
    return found, {key: value for key, value in hashes.items() if value}


def snapshot(folder: Path) -> dict[Path, tuple[int, int]]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in files}


def add_files(found: dict[str, Any], hashes: dict[str, Any], folder: Path, known: dict[Path, tuple[int, int]]) -> None:
    """Describes every file that is new or changed."""
    from tests.golden.described import file_described, recorded
    from tests.golden.internals import is_checkpoint, newest_checkpoints

    now = snapshot(folder)
    # How many checkpoints are kept on the way is a clock's business.
    lost = (path for path in known if path not in now and recorded(path) and not is_checkpoint(path))
    gone = sorted(str(path.relative_to(folder)) for path in lost)
    if gone:
        found["gone"] = gone
    changed = [path for path in sorted(now) if known.get(path) != now[path] and recorded(path)]
    for path in newest_checkpoints(changed):
        name = str(path.relative_to(folder))
        try:
            said, hashed = file_described(path, folder)
        except Exception as error:
            said, hashed = {"crash": f"{type(error).__name__}: {error}"}, None
        found.setdefault("files", {})[name] = said
        if hashed is not None:
            hashes.setdefault("files", {})[name] = hashed


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Ended:
        sys.exit(143)
