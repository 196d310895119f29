"""Harnesses carried out apart: some set torch's threads and hooks, some fork, and children inherit locks of threads."""

import os
import subprocess
import sys
from pathlib import Path

import glasswork as gw

ROOT = Path(__file__).parents[1]
SINGLE = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


def carry_out(module: str, *words: object) -> str:
    """What `python -m MODULE WORDS` prints, in a process of its own; it has to end with 0."""
    path = os.pathsep.join((str(Path(gw.__file__).parents[1]), str(ROOT)))
    done = subprocess.run(
        [sys.executable, "-m", module, *map(str, words)],
        cwd=ROOT,
        env={**os.environ, **SINGLE, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
