"""The losses and headline figures of a recorded folder, to commit: python -m tests.golden.figures PLAIN NATIVE FILE.

PLAIN is recorded with the plainest kernels, which every processor has, NATIVE with the processor's own: how far the two
are apart by each step is how far a training carries a rounding. `test_golden` compares with PLAIN and gives each
training room for that.
"""

import json
import sys
from itertools import accumulate
from pathlib import Path
from typing import Any

# Rounded to half of float32's mantissa on one processor already; other processors differ in earlier digits.
LEFT_OUT = {"setting-bfloat16"}
KEPT = 50
"""Losses of a training: those of its first steps."""
PARTS = ("validation", "test")


def figures(recorded: dict[str, Any]) -> dict[str, Any]:
    """The loss of every step and the figures of validation and test of a recorded training."""
    files = recorded["train"]["files"]
    result = files["run/result.json"]
    return {
        "losses": [step["loss"] for step in files["run/steps.jsonl"]][:KEPT],
        **{part: result[part] for part in PARTS if result[part]},
    }


def apart(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """The greatest difference of the losses by each step, and that of the figures."""
    losses = [abs(a - b) for a, b in zip(one["losses"], other["losses"], strict=True)]
    parts = [abs(one[part][name] - other[part][name]) for part in PARTS if part in one for name in one[part]]
    grown = [float(f"{most:.1e}") for most in accumulate(losses, max)]
    return {"losses": grown, "figures": float(f"{max(parts):.1e}")}


def trainings(folder: Path) -> dict[str, dict[str, Any]]:
    """Scene to record, of the scenes that begin with a training."""
    names = sorted(
        path for path in folder.glob("*.json") if path.stem.split("-")[0] in {"losses", "preset", "further", "setting"}
    )
    return {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in names
        if not path.stem.endswith(".hashes") and path.stem not in LEFT_OUT
    }


def main(plain: str, native: str, file: str) -> None:
    found = {name: figures(record) for name, record in trainings(Path(plain)).items()}
    others = {name: figures(record) for name, record in trainings(Path(native)).items()}
    for name, each in found.items():
        each["apart"] = apart(each, others[name])
    lines = [f"{json.dumps(name)}: {json.dumps(each)}" for name, each in found.items()]
    Path(file).write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
