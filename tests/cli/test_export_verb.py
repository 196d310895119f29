"""`glasswork export` in process."""

from pathlib import Path

import pytest
import torch

from glasswork.cli import main
from made_data import mistake, said, train, write_table


def test_weights_load_into_the_same_network(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = train("linear", data=write_table(tmp_path / "data.csv", "class"), epochs=1)
    capsys.readouterr()
    assert main(["export", str(run), "--to", "state-dict", "--json"]) == 0
    found = said(capsys)
    assert (found["path"], found["checked"], found["difference"], found["scaled"]) == ("run.pt", 5, 0.0, False)
    weights = torch.load("run.pt", weights_only=True)
    assert all(isinstance(tensor, torch.Tensor) for tensor in weights.values())
    assert main(["export", str(run), "--to", "safetensors", "--out", "a.safetensors"]) == 0
    assert "compared on 5 real inputs" in capsys.readouterr().out
    assert "already exists" in mistake(capsys, "export", str(run), "--to", "state-dict")
