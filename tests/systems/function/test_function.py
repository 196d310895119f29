"""Functions of x approximated by a few units: the data, the parting into shares, the picture, the mistakes."""

import csv
import json
import math
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as some
from PIL import Image
from torch import nn

import glasswork as gw
from closeness import assert_same_numbers
from glasswork.catalogue import make_system
from glasswork.cli import main
from glasswork.data.dataset import Dataset
from glasswork.data.kinds.numbers import Numbers
from glasswork.data.kinds.table import Table
from glasswork.data.kinds.task import Task
from glasswork.data.splits import split
from glasswork.execution import Execution
from glasswork.glassbox.contributions import places_between, shares_over
from glasswork.glassbox.expressions import evaluate
from glasswork.networks.dense import Dense
from glasswork.run.request import make_request
from made_data import PLAIN, mistake, said, train


def made(**options: object) -> Dataset:
    asked = make_request("function", options)
    return make_system(asked.system, asked.recipe).read("expression")


def test_test_points_lie_between_training_points_and_on_the_function() -> None:
    dataset = made(expression="x**2 - 3*x", low=-1, high=2, noise=0.5)
    splits = split(dataset, 0.0, 0.2, 0)
    training, test = (dataset.columns["inputs"][rows, 0] for rows in (splits.training, splits.test))
    assert (len(training), len(test)) == (120, 119)
    torch.testing.assert_close(test, (training[1:] + training[:-1]) / 2)
    assert (float(training[0]), float(training[-1])) == (-1, 2)
    wanted = dataset.columns["targets"][:, 0]
    torch.testing.assert_close(wanted[splits.test], test**2 - 3 * test, atol=1e-5, rtol=1e-5)
    away = wanted[splits.training] - (training**2 - 3 * training)
    assert 0.35 < float(away.std()) < 0.65
    assert torch.equal(wanted, made(expression="x**2 - 3*x", low=-1, high=2, noise=0.5).columns["targets"][:, 0])


@pytest.mark.parametrize(
    ("expression", "low", "high"), [("sin(x)", -4, 4), ("sin(x)+0.3*x", -4, 4), ("abs(x) - exp(-x**2)", -3, 3)]
)
def test_five_tanh_units_come_near_a_function(expression: str, low: float, high: float, tmp_path: Path) -> None:
    run = train("function", expression=expression, low=low, high=high)
    result = json.loads((run / "result.json").read_text(encoding="utf-8"))
    assert result["test"]["r2"] > 0.99
    spread = [evaluate(expression, x=x) for x in places_between(low, high, 50)]
    assert result["test"]["largest_error"] < 0.15 * (max(spread) - min(spread))
    assert result["pictures"] == ["function.png"]
    with Image.open(run / "function.png") as picture:
        assert picture.width == 1000
    [remark] = result["remarks"]
    assert f"'{expression}' as the sum of a constant and 5 tanh units: R2 = 0.99" in remark
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "What each unit contributes" in page and "which lie between the training examples." in page


def test_the_terminal_says_r2_and_the_largest_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train("function", json=False, epochs=3)
    printed = " ".join(capsys.readouterr().out.split())
    assert "test r2 " in printed and "largest_error" in printed and "5 tanh units: R2 = " in printed


def test_it_answers_and_is_measured_like_any_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train("function", epochs=300)
    measured = said(capsys)["test"]
    assert main(["evaluate", "run", "--json"]) == 0
    assert said(capsys)["metrics"] == pytest.approx(measured)
    Path("asked.csv").write_text("x\n0.5\n-2\n", encoding="utf-8")
    assert main(["predict", "run", "asked.csv", "--json"]) == 0
    answers = [answer["answer"] for answer in said(capsys)["answers"]]
    assert answers == pytest.approx([math.sin(0.5), math.sin(-2)], abs=0.4)


def test_a_table_of_ones_own_is_approximated_too(tmp_path: Path) -> None:
    with Path("own.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["hour", "target"])
        writer.writerows((hour / 10, round(20 + 5 * math.cos(hour / 30), 3)) for hour in range(120))
    model = gw.train("function", data="own.csv", out="run", **{**PLAIN, "epochs": 400})
    result = json.loads(Path("run/result.json").read_text(encoding="utf-8"))
    assert result["test"]["r2"] > 0.95 and result["pictures"] == ["function.png"]
    assert result["remarks"][0].startswith("column 'target' as the sum of a constant and 5 tanh units")
    assert Table.of(model.task).features == ("hour",)


SCHEMA = Task(
    Table((1,), features=("x",), mean=(2.0,), deviation=(3.0,)), Numbers(("y",), mean=(5.0,), deviation=(0.5,))
)


@settings(max_examples=25)
@given(
    hidden=some.lists(some.integers(1, 5), min_size=1, max_size=3),
    activation=some.sampled_from(["tanh", "relu", "sigmoid"]),
    seed=some.integers(0, 1000),
)
def test_shares_and_constant_add_up_to_the_answer(hidden: list[int], activation: str, seed: int) -> None:
    torch.manual_seed(seed)
    network = Dense(1, hidden, 1, activation)
    found = shares_over(network, SCHEMA, [-1.0, 0.0, 7.5], Execution())
    assert len(found.shares) == hidden[-1]
    inputs = (torch.tensor([[-1.0], [0.0], [7.5]]) - 2) / 3
    with torch.no_grad():
        wanted = (5 + 0.5 * network(inputs))[:, 0].tolist()
    assert_same_numbers(found.y, wanted)
    sums = [found.constant + sum(share[place] for share in found.shares) for place in range(3)]
    assert_same_numbers(sums, wanted)


def test_what_is_no_sum_of_units_is_not_taken_apart() -> None:
    bent = nn.Sequential(nn.Linear(1, 4), nn.Tanh(), nn.Linear(4, 1), nn.Sigmoid())
    assert shares_over(bent, SCHEMA, [0.0, 1.0], Execution()).shares == ()
    assert shares_over(nn.Linear(1, 1), SCHEMA, [0.0, 1.0], Execution()).shares == ()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--expression", "sin(y)"), "y"),
        (("--expression", "2 * pi"), "is not a function of x"),
        (
            ("--expression", "1/x + log(3)", "--low", "-1", "--high", "1", "--json"),
            "is not a finite number at x = 0: choose another",
        ),
        (("--expression", "log(x)"), "log"),
        (("--expression", "sin(x"), "cannot be read"),
        (("--low", "3", "--high", "3"), "The interval from 3 to 3 is empty"),
        (("--network", "linear"), "There is no recipe key 'network'"),
    ],
)
def test_mistakes_are_sentences(
    options: tuple[str, ...], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert words in mistake(capsys, "train", "function", *options, "--out", "run")
    assert not Path("run").exists()
