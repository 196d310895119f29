"""What stands for a cell that nobody knows, and what numbers are scaled by, comes from the training rows alone."""

from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from glasswork.data.batches import Scaling
from glasswork.data.dataset import Dataset, ReadingOptions
from glasswork.data.kinds.table import Table
from glasswork.data.kinds.task import Task
from glasswork.data.reading import read
from glasswork.execution import Execution

ROWS = 12


def written(folder: Path, rows: list[tuple[str, str]]) -> Dataset:
    """A table of a number and a category."""
    lines = [f"{number},{kind},{row % 2}" for row, (number, kind) in enumerate(rows)]
    (folder / "some.csv").write_text("\n".join(["a,kind,y", *lines]), encoding="utf-8")
    return read(folder / "some.csv", ReadingOptions())


def scaled(dataset: Dataset, task: Task) -> Tensor:
    return Scaling(task, Execution()).inputs(dataset.columns["inputs"])


def test_empty_cells_become_the_mean_of_the_training_rows(tmp_path: Path) -> None:
    dataset = written(tmp_path, [("1", "u"), ("3", "v"), ("", "u"), ("500", "u"), ("", "v")])
    task = dataset.task.fit(dataset, torch.tensor([0, 1, 2]))
    assert Table.of(task).features == ("a", "a: empty", "kind=u", "kind=v")
    assert task.inputs.mean == pytest.approx((2, 1 / 3, 2 / 3, 1 / 3))
    assert task.inputs.deviation == (1, 0.5, 0.5, 0.5)
    inputs = scaled(dataset, task)
    assert inputs[:3, 0].tolist() == [-1, 1, 0]
    assert inputs[4, 0] == 0
    assert inputs[4, 1] == pytest.approx((1 - 1 / 3) * 2)


def test_what_no_training_row_has_counts_as_nothing_known(tmp_path: Path) -> None:
    dataset = written(tmp_path, [("1", "u"), ("3", "v"), ("2", "u"), ("", "w"), ("9", "")])
    inputs = scaled(dataset, dataset.task.fit(dataset, torch.tensor([0, 1, 2])))
    places = {name: place for place, name in enumerate(Table.of(dataset.task).features)}
    kinds = [place for name, place in places.items() if name.startswith("kind")]
    assert len(kinds) == 4
    assert inputs[3].tolist() == [0] * len(places)  # an empty number and a category, both new
    assert inputs[4][kinds].tolist() == [0] * 4
    assert (inputs[:3][:, kinds] != 0).any(1).all()


def test_a_feature_that_never_varied_says_nothing(tmp_path: Path) -> None:
    dataset = written(tmp_path, [("5", "u"), ("5", "v"), ("5", "u"), ("9000", "v")])
    task = dataset.task.fit(dataset, torch.tensor([0, 1, 2]))
    assert task.inputs.deviation[0] == 0
    assert scaled(dataset, task)[:, 0].tolist() == [0] * 4


def test_far_values_are_drawn_nearer_in_their_order(tmp_path: Path) -> None:
    numbers = [str(value) for value in (*range(-5, 6), 10**3, 10**6, -(10**9))]
    dataset = written(tmp_path, [(number, "uv"[row % 2]) for row, number in enumerate(numbers)])
    task = dataset.task.fit(dataset, torch.arange(11))
    inputs = scaled(dataset, task)[:, 0]
    plain = (dataset.columns["inputs"][:, 0] - task.inputs.mean[0]) / task.inputs.deviation[0]
    assert torch.allclose(inputs[:11], plain[:11])
    assert inputs[:11].abs().max() < 5 < inputs[11] < inputs[12] < 20
    assert inputs[13] == pytest.approx(-(5 + (1 + plain[13].abs() - 5).log()))


cells = st.tuples(
    st.one_of(st.just(""), st.floats(-1e6, 1e6, width=32).map(str)), st.sampled_from(["u", "v", "w", "", "x"])
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(cells, min_size=ROWS, max_size=ROWS), st.lists(cells, min_size=4, max_size=4), st.randoms())
def test_held_out_rows_change_nothing_in_training_rows(
    tmp_path: Path, rows: list[tuple[str, str]], others: list[tuple[str, str]], random: st.DrawFn
) -> None:
    rows = [("1", "u"), ("2", "v"), ("", ""), *rows[3:]]
    training = torch.arange(ROWS - 4)
    first = written(tmp_path, rows)
    second = written(tmp_path, [*rows[:-4], *others])
    found = []
    for dataset in (first, second):
        task = dataset.task.fit(dataset, training)
        inputs = scaled(dataset, task)
        assert inputs.isfinite().all()
        known = {name: inputs[training, place] for place, name in enumerate(Table.of(task).features)}
        found.append(known)
    # A category that only held-out rows have is one more feature, 0 in every training row.
    for name in {**found[0], **found[1]}:
        nothing = torch.zeros(len(training))
        assert torch.equal(found[0].get(name, nothing), found[1].get(name, nothing)), name
