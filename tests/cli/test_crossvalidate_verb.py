"""`glasswork crossvalidate`: several values are settings, the choice can be trained as printed."""

import json
import re
import shlex
import signal
from pathlib import Path

import pytest

from glasswork.cli import main
from made_data import mistake, said, write_table

Captured = pytest.CaptureFixture[str]
FEW = ["--epochs", "2", "--batch-size", "16", "--learning-rate", "0.02", "--threads", "1"]


@pytest.fixture(autouse=True)
def table(tmp_path: Path) -> Path:
    return write_table(tmp_path / "table.csv", "class", 60)


def words(line: str) -> list[str]:
    return ["crossvalidate", *shlex.split(line), *FEW]


def test_one_object(capsys: Captured) -> None:
    assert main(words("mlp --data table.csv --hidden 2 4,3 --penalty l2 --strength 0 0.01 --folds 3 --json")) == 0
    found = said(capsys)
    assert [one["name"] for one in found["settings"]] == [
        "hidden 2, strength 0",
        "hidden 2, strength 0.01",
        "hidden 4,3, strength 0",
        "hidden 4,3, strength 0.01",
    ]
    assert found["varied"] == ["hidden", "strength"]
    assert [len(one["folds"]) for one in found["settings"]] == [3] * 4
    assert found["settings"][found["chosen"]]["error"] <= found["threshold"]
    assert found["examples"] + found["kept_for_test"] == 60


def test_for_people_and_the_command_trains_the_choice(capsys: Captured) -> None:
    assert main(words("mlp --data table.csv --hidden 2 8 --folds 3 --out page.html")) == 0
    printed = capsys.readouterr()
    assert "hidden 2: 0 of 6 networks done" in printed.err or "trained together" in printed.err
    for sentence in ("hidden units", "validation error", "Chosen: hidden "):
        assert sentence in printed.out
    command = next(line.strip() for line in printed.out.splitlines() if line.startswith("  glasswork train"))
    assert main([*shlex.split(command)[1:], "--json"]) == 0
    assert said(capsys)["preset"] == "mlp"
    page = Path("page.html").read_text(encoding="utf-8")
    assert "Error against hidden units" in page
    assert len(re.findall('<circle class="dot first"', page)) == 2
    assert len(re.findall('<line [^>]*class="whisker"', page)) == 6
    assert page.count('<line x1="46.0"') and "<title>chosen</title>" in page


def test_one_curve_for_each_combination_of_the_others(capsys: Captured) -> None:
    line = "mlp --data table.csv --hidden 2 4 8 --activation tanh relu --folds 2 --out found.json --json"
    assert main(words(line)) == 0
    assert json.loads(Path("found.json").read_text(encoding="utf-8")) == said(capsys)
    assert main(words("mlp --data table.csv --hidden 2 4 8 --activation tanh relu --folds 2 --out page.html")) == 0
    page = Path("page.html").read_text(encoding="utf-8")
    assert [page.count(f"<figcaption>activation {name}</figcaption>") for name in ("tanh", "relu")] == [1, 1]
    assert page.count('class="chart"') == 2


def test_in_time_order_by_groups_and_from_a_recipe(capsys: Captured) -> None:
    assert main(words("mlp --data table.csv --hidden 3 --folds 2 --order time --json")) == 0
    assert said(capsys)["order"] == "time"
    assert main(words("mlp --data table.csv --hidden 3 --folds 2 --groups colour --test 0 --json --validation 0")) == 0
    assert said(capsys)["groups"] == "colour"
    Path("mine.toml").write_text('preset = "mlp"\ndata = "table.csv"\nhidden = [3]\nactivation = "tanh"\n')
    assert main(words("mine.toml --dropout 0 0.5 --folds 2 --json")) == 0
    found = said(capsys)
    assert [one["values"] for one in found["settings"]] == [{"dropout": 0.0}, {"dropout": 0.5}]
    assert "--activation tanh" in found["settings"][0]["command"]
    assert "--hidden 3" in found["settings"][0]["command"]


def test_ctrl_c_ends_with_one_sentence(capsys: Captured, tmp_path: Path) -> None:
    code = """
import signal
from torch import nn

class Stopping(nn.Module):
    def __init__(self, features, outputs):
        super().__init__()
        self.map, self.calls = nn.Linear(features, outputs), 0

    def forward(self, inputs):
        self.calls += 1
        if self.calls == 4:
            signal.raise_signal(signal.SIGINT)
        return self.map(inputs.flatten(1))
"""
    (tmp_path / "stopping.py").write_text(code, encoding="utf-8")
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where a suite runs in the background
    try:
        asked = "own --network stopping.py:Stopping --data table.csv --folds 2 --out page.html --json"
        assert main(words(asked)) == 130
    finally:
        signal.signal(signal.SIGINT, before)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert re.fullmatch(r"glasswork: stopped after \d+ % of the work: .*\n", printed.err)
    assert not Path("page.html").exists()


def test_mistakes(capsys: Captured) -> None:
    Path("page.html").write_text("mine", encoding="utf-8")
    for line, sentence in (
        ("mlp --data table.csv --hidden 2 --out page.html", "page.html already exists"),
        ("mlp --data table.csv --hidden 2 --out page.pdf", "--out writes .html or .json, and page.pdf ends in neither"),
        ("mlp --data table.csv --hiden 2 4", "did you mean '--hidden'?"),
        ("mlp --data table.csv --hidden 2 4 --budget 10s", "there is no recipe key or flag '--budget'"),
        ("mlp --data table.csv --groups color", "no column 'color' to group by: did you mean 'colour'?"),
        ("lenet --data table.csv --hidden 2 4", "hidden has no effect where network is lenet"),
        ("mlp --data table.csv --data other.csv more.csv", "data cannot have several values"),
    ):
        assert sentence in mistake(capsys, *words(line))
    assert Path("page.html").read_text(encoding="utf-8") == "mine"
