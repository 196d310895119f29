import subprocess
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from glasswork.data.builtin import NAMES
from glasswork.data.dataset import ReadingOptions
from glasswork.data.kinds.table import Table
from glasswork.data.reading import read
from glasswork.data.toy import SHAPES, points
from glasswork.errors import GlassworkError
from glasswork.systems.online.system import exclusive_or

every_shape = pytest.mark.parametrize("shape", SHAPES)


@every_shape
def test_a_set_is_balanced_and_lies_in_the_plane(shape: str) -> None:
    made = points(shape)
    inputs, targets = made.columns["inputs"], made.columns["targets"]
    assert (inputs.shape, inputs.dtype) == ((400, 2), torch.float32)
    assert targets.bincount().tolist() == [200, 200]
    assert inputs.isfinite().all() and inputs.abs().max() < 2
    assert (Table.of(made.task).features, made.task.target.names) == (("x1", "x2"), ("0", "1"))
    assert len(made.columns["fingerprints"].unique()) == 400


@every_shape
def test_a_set_is_the_same_in_every_process(shape: str) -> None:
    code = f"from glasswork.data.toy import points; print(points({shape!r}).columns['fingerprints'].sum().item())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) == points(shape).columns["fingerprints"].sum().item()


@given(each=st.integers(1, 60), seed=st.integers(0, 2**31 - 1), shape=st.sampled_from(list(SHAPES)))
def test_any_number_can_be_made(each: int, seed: int, shape: str) -> None:
    made = points(shape, each, seed)
    assert made.columns["targets"].bincount().tolist() == [each, each]
    assert made.columns["inputs"].isfinite().all()


@every_shape
def test_a_set_is_read_by_its_name_also_from_the_cache(shape: str) -> None:
    for _ in range(2):
        made = read(shape, ReadingOptions())
        assert torch.equal(made.columns["inputs"], points(shape).columns["inputs"])
        assert made.source == shape
    assert shape in NAMES


def nearest(inputs: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    return torch.cdist(inputs, others).topk(6, largest=False).indices[:, 1:]


@every_shape
def test_neighbours_are_mostly_of_one_class_which_no_line_tells_apart(shape: str) -> None:
    made = points(shape)
    inputs, targets = made.columns["inputs"], made.columns["targets"]
    assert (targets[nearest(inputs, inputs)].float().mean(1).round() == targets).float().mean() > 0.9
    ones = torch.cat([inputs, torch.ones(400, 1)], 1)
    line = torch.linalg.lstsq(ones, 2.0 * targets[:, None] - 1).solution
    right = ((ones @ line)[:, 0] > 0).long().eq(targets).float().mean()
    assert right > 0.9 if shape == "gauss" else right < 0.9


def test_the_xor_of_the_playground_is_noisy_and_that_of_the_slide_is_not() -> None:
    made = points("xor")
    inputs, targets = made.columns["inputs"], made.columns["targets"]
    as_the_signs_say = ((inputs[:, 0] * inputs[:, 1]) < 0).long().eq(targets).float().mean()
    assert 0.9 < as_the_signs_say < 1
    assert len(exclusive_or()) == 4


def test_there_is_no_column_to_choose_and_no_other_name() -> None:
    with pytest.raises(GlassworkError, match="points of moons have one target, their class"):
        read("moons", ReadingOptions(target="colour"))
    with pytest.raises(GlassworkError, match="no generated set of points 'star'"):
        points("star")
