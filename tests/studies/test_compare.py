from pathlib import Path

import pytest

from glasswork.errors import GlassworkError
from glasswork.studies.compare import compare
from made_data import broken_off, train, write_npz


def test_runs_side_by_side(tmp_path: Path) -> None:
    data = str(write_npz(tmp_path / "data.npz", "class"))
    train("lenet", data=data, epochs=2, out="runs/a")
    train("lenet", data=data, epochs=2, out="runs/b", dropout=0.3, learning_rate=0.02)
    train("lenet", data=data, epochs=2, out="runs/same")
    broken_off("lenet", 1, out="runs/half", data=data, epochs=2)
    first, second, half = compare(["a", "b", "half"])
    assert first.differing == {"learning_rate": 0.008, "dropout": 0.0}
    assert second.differing == {"learning_rate": 0.02, "dropout": 0.3}
    assert (first.finished, half.finished, half.test, half.best_epoch) == (True, False, {}, None)
    assert first.run == "runs/a"
    assert first.epochs == 2
    one, other = compare(["a", "same"])
    assert one.differing == other.differing == {}
    assert one.test == other.test
    assert one.to_json()["validation"] == one.validation


def test_two_are_needed() -> None:
    with pytest.raises(GlassworkError, match="at least two runs"):
        compare([])
