"""The losses and headline figures of a recorded folder, to commit: python -m tests.golden.figures RECORDED FILE.

They hold on any processor within a tolerance, as hashes do not; `test_golden` compares with them.
"""

import json
import sys
from pathlib import Path
from typing import Any

# Rounded to half of float32's mantissa on one processor already; other processors differ in earlier digits.
LEFT_OUT = {"setting-bfloat16"}
KEPT = 50
"""Losses of a training: those of its first steps."""


def figures(recorded: dict[str, Any]) -> dict[str, Any]:
    """The loss of every step and the figures of validation and test of a recorded training."""
    files = recorded["train"]["files"]
    result = files["run/result.json"]
    return {
        "losses": [step["loss"] for step in files["run/steps.jsonl"]][:KEPT],
        **{part: result[part] for part in ("validation", "test") if result[part]},
    }


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


def main(recorded: str, file: str) -> None:
    found = {name: figures(record) for name, record in trainings(Path(recorded)).items()}
    lines = [f"{json.dumps(name)}: {json.dumps(each)}" for name, each in found.items()]
    Path(file).write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
