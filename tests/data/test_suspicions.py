"""Columns that tell the target alone are named; easy data is left alone."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn import datasets

from glasswork.data.dataset import ReadingOptions
from glasswork.data.reading import read
from glasswork.data.splits import split
from glasswork.data.summary import summarise

DRAWS = np.random.default_rng(0)


def warned(folder: Path, columns: dict[str, list[str]], target: str = "y") -> tuple[str, ...]:
    rows = zip(*columns.values(), strict=True)
    (folder / "some.csv").write_text("\n".join([",".join(columns), *map(",".join, rows)]), encoding="utf-8")
    examples = read(folder / "some.csv", ReadingOptions(target=target))
    found = summarise(examples, split(examples, 0.2, 0.2, 0)).warnings
    return tuple(line for line in found if "different whole numbers" not in line)  # a guess, and no suspicion


def written(values: object) -> list[str]:
    return [str(value) for value in np.asarray(values).tolist()]


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes"])
def test_easy_data_raises_no_suspicion(name: str, tmp_path: Path) -> None:
    data = getattr(datasets, f"load_{name}")()
    columns = {f"f{place}": written(values) for place, values in enumerate(data.data.T)}
    assert not [line for line in warned(tmp_path, {**columns, "y": written(data.target)}) if "copy" not in line]
    setosa = written((data.target == 0).astype(int))
    if name == "iris":  # two of the four measures tell this class without error
        assert not [line for line in warned(tmp_path, {**columns, "y": setosa}) if "cop" not in line]


def noise(count: int) -> dict[str, list[str]]:
    return {f"f{place}": written(DRAWS.normal(size=count).round(3)) for place in range(5)}


def test_a_column_made_from_the_class(tmp_path: Path) -> None:
    classes = DRAWS.integers(0, 3, 200)
    made = {
        "copy": ["uvw"[label] for label in classes],
        "score": written(classes * 2 + DRAWS.random(200).round(3)),
    }
    (only,) = warned(tmp_path, {**noise(200), "score": made["score"], "y": written(classes)})
    assert only.startswith("The column 'score' predicts the target 'y' alone in 9") or "in 100.0%" in only
    first, *_ = warned(tmp_path, {**noise(200), **made, "y": written(classes)})
    assert first == "The column 'copy' repeats the target 'y', row by row: remove it"
    assert warned(tmp_path, {**noise(200), "y": written(classes)}) == ()


def test_a_column_made_from_the_number(tmp_path: Path) -> None:
    prices = DRAWS.normal(100, 20, 300).round(2)
    (copy,) = warned(tmp_path, {**noise(300), "cents": written(prices * 100 + 3), "y": written(prices)})
    assert copy == "The column 'cents' repeats the target 'y', row by row: remove it"
    (leak,) = warned(
        tmp_path, {**noise(300), "tax": written((prices - 100) ** 3 + DRAWS.random(300)), "y": written(prices)}
    )
    assert leak.startswith("The column 'tax' predicts the target 'y' alone, except for ")
    related = prices + DRAWS.normal(0, 5, 300)
    assert warned(tmp_path, {**noise(300), "hint": written(related.round(2)), "y": written(prices)}) == ()


def test_one_of_several_targets(tmp_path: Path) -> None:
    labels = DRAWS.integers(0, 2, (2, 150))
    columns = {
        **noise(150),
        "flag": [["no", "yes"][bit] for bit in labels[1]],
        "b": written(labels[0]),
        "c": written(labels[1]),
    }
    (line,) = warned(tmp_path, columns, "b,c")
    assert line == "The column 'flag' repeats the target 'c', row by row: remove it"


def test_few_rows_raise_no_suspicion(tmp_path: Path) -> None:
    (tmp_path / "some.csv").write_text("a,b,y\n" + "\n".join(f"{row % 2},{row},{row % 2}" for row in range(20)))
    examples = read(tmp_path / "some.csv", ReadingOptions())
    assert examples.task.inputs.suspicions(examples, torch.arange(20)) == []
