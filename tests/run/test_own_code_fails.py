"""Errors of the user's own code that only training shows, and batches too small for batch normalisation."""

from pathlib import Path

import pytest

from glasswork.cli import main
from made_data import PLAIN, flags, mistake, train, write_network, write_npz, write_table

Captured = pytest.CaptureFixture[str]

LATE = """
import torch
from torch import nn


class Late(nn.Module):
    '''Fails in training alone.'''

    def __init__(self, features, outputs):
        super().__init__()
        self.body = nn.Linear(features, outputs)
        self.steps = 0

    def forward(self, inputs):
        self.steps += self.training
        if self.steps == 3:
            raise IndexError("the third [step] is one too many")
        return self.body(inputs.flatten(1))


class Spread(nn.Sequential):
    def __init__(self, features, outputs):
        super().__init__(nn.Linear(features, outputs), Odd())


class Odd(nn.Module):
    def forward(self, inputs):
        return nn.functional.linear(inputs, torch.ones(2, 7)) if self.training else inputs
"""


@pytest.mark.parametrize(("name", "part"), [("Late", "IndexError: the third [step]"), ("Spread", "RuntimeError: mat1")])
def test_errors_that_only_training_shows(name: str, part: str, tmp_path: Path, capsys: Captured) -> None:
    data = write_table(tmp_path / "table.csv", "number")
    (tmp_path / "late.py").write_text(LATE, encoding="utf-8")
    words = flags({**PLAIN, "data": data, "network": f"late.py:{name}", "epochs": 2, "batch_size": 8, "out": "run"})
    sentence = mistake(capsys, "train", *words, "--json")
    assert sentence.startswith("Your own code failed (") and part in sentence
    assert "late.py, line " in sentence


def test_an_error_of_ours_is_not_blamed_on_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from glasswork.systems.supervised.system import Supervised

    def fail(*arguments: object, **options: object) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(Supervised, "judge", fail)
    data, network = write_npz(tmp_path / "data.npz", "class"), write_network(tmp_path)
    with pytest.raises(ZeroDivisionError):
        main(["train", *flags({**PLAIN, "data": data, "network": network, "epochs": 1, "out": "run"})])


@pytest.mark.parametrize("batch_size", [1, 2])
def test_a_batch_of_one(batch_size: int, tmp_path: Path, capsys: Captured) -> None:
    data, network = write_table(tmp_path / "table.csv", "number", 30), write_network(tmp_path)
    shares = {"validation": 0.1, "test": 0.2} if batch_size == 1 else {"validation": 0, "test": 0.1}
    words = {**PLAIN, "data": data, "network": network, "epochs": 1, "batch_size": batch_size, **shares}
    sentence = mistake(capsys, "train", *flags({**words, "out": "run"}), "--json")
    assert "A batch is a single example, and batch normalisation needs several" in sentence
    train(out="other", **{**words, "batch_size": 4})


def test_one_training_example(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "one.csv").write_text("a,b,target\n1,2,3.5\n2,3,4.5\n", encoding="utf-8")
    words = flags(
        {**PLAIN, "data": "one.csv", "network": write_network(tmp_path), "epochs": 1, "test": 0.5, "out": "run"}
    )
    assert "A batch is a single example" in mistake(capsys, "train", *words, "--target", "target")
