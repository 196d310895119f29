"""Labels that were made wrong on purpose are found, and few others are suspected."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from sklearn.datasets import load_digits

import glasswork as gw
from glasswork.errors import GlassworkError
from made_data import write_npz, write_table


def digits_with_wrong_labels(path: Path, share: float) -> tuple[Path, npt.NDArray[np.int64]]:
    """The digits with some labels replaced by another one; which rows those are."""
    digits = load_digits()
    draws = np.random.default_rng(0)
    labels = digits.target.astype(np.int64)
    flipped = np.sort(draws.choice(len(labels), round(share * len(labels)), replace=False))
    labels[flipped] = (labels[flipped] + draws.integers(1, 10, len(flipped))) % 10
    np.savez(path, x=np.rint(digits.images * (255 / 16)).astype(np.uint8), y=labels)
    return path, flipped


def test_flipped_digits_are_found(tmp_path: Path) -> None:
    path, flipped = digits_with_wrong_labels(tmp_path / "digits.npz", 0.03)
    before, state = path.read_bytes(), torch.get_rng_state()
    found = gw.label_errors(path, "mlp", 5, epochs=8, threads=1)
    suspects = [suspect.row for suspect in found.suspects]
    hits = len(set(suspects) & set(flipped.tolist()))
    assert hits >= 0.8 * len(flipped)
    assert hits >= 0.6 * len(suspects)
    # The surest half is nearly all right.
    assert np.isin(suspects[: len(suspects) // 2], flipped).mean() > 0.9
    assert 0.02 < found.wrong_share < 0.05
    right = load_digits().target
    named = [suspect for suspect in found.suspects if suspect.row in flipped]
    assert np.mean([int(suspect.suggested) == right[suspect.row] for suspect in named]) > 0.9
    margins = [suspect.margin for suspect in found.suspects]
    assert margins == sorted(margins)
    assert found.suspects[0].png.startswith(b"\x89PNG")
    assert path.read_bytes() == before
    assert torch.equal(torch.get_rng_state(), state)
    assert found == gw.label_errors(path, "mlp", 5, epochs=8, threads=1)


def test_copies_under_two_labels_are_counted(tmp_path: Path) -> None:
    draws = np.random.default_rng(0)
    labels = np.arange(60) % 2
    inputs = (draws.normal(size=(60, 3)) + 2 * labels[:, None]).astype(np.float32)
    inputs[6] = inputs[4] = inputs[2] = inputs[0]
    inputs[3] = inputs[1]
    labels[6] = 1
    np.savez(tmp_path / "copies.npz", x=inputs, y=labels)
    found = gw.label_errors(tmp_path / "copies.npz", "mlp", 3, epochs=10, threads=1)
    assert found.disagreeing_copies == 4
    assert 6 in {suspect.row for suspect in found.suspects}


@pytest.mark.parametrize(
    ("target", "preset", "folds", "reason"),
    [
        ("number", "mlp", 5, "one class"),
        ("classes", "mlp", 5, "one class"),
        ("class", "xor", 5, "its own training algorithm"),
        ("class", "mlp", 1, "at least 2 folds"),
        ("class", "mlp", 50, "use fewer"),
    ],
)
def test_what_cannot_be_done_is_said(tmp_path: Path, target: str, preset: str, folds: int, reason: str) -> None:
    data = write_npz(tmp_path / "data.npz", target)
    with pytest.raises(GlassworkError, match=reason):
        gw.label_errors(data, preset, folds)


def test_what_fits_is_chosen(tmp_path: Path) -> None:
    images = gw.label_errors(write_npz(tmp_path / "a.npz", "class"), None, 2, epochs=1, threads=1)
    rows = gw.label_errors(write_table(tmp_path / "a.csv", "class"), None, 2, epochs=1, threads=1)
    assert (images.preset, rows.preset) == ("lenet", "mlp")
    assert (images.folds, images.examples, images.classes) == (2, 60, ("0", "1", "2"))


def test_a_weak_judge_says_that_it_cannot_judge(tmp_path: Path) -> None:
    """Labels that have nothing to do with the inputs: every network is wrong about half of them."""
    draws = np.random.default_rng(0)
    inputs, labels = draws.normal(size=(80, 3)).astype(np.float32), np.arange(80) % 2
    np.savez(tmp_path / "noise.npz", x=inputs, y=labels)
    found = gw.label_errors(tmp_path / "noise.npz", "mlp", 3, epochs=3, threads=1)
    assert found.accuracy < 0.7
    assert found.wrong_share is None and not found.suspects
    assert found.to_json()["wrong_share"] is None
    assert "cannot be judged" in str(found.report().verdict)
