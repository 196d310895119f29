"""A loss of the user's own: trained with, looked into, and run only if it is named."""

import json
from pathlib import Path

import pytest

import glasswork as gw
from glasswork import own_code
from glasswork.cli import main
from made_data import PLAIN, broken_off, mistake, require_same, resume, said, train, write_table

FOCAL = """
import torch.nn.functional as F


def focal(outputs, targets):
    chance = F.cross_entropy(outputs, targets, reduction="none")
    return ((1 - (-chance).exp()) ** 2 * chance).mean()


def plain(outputs, targets):
    return F.cross_entropy(outputs, targets)


def each(outputs, targets):
    return F.cross_entropy(outputs, targets, reduction="none")


def broken(outputs, targets):
    raise ZeroDivisionError("nothing to divide by")
"""
SHORT = {"epochs": 2, "batch_size": 16, "hidden": "8"}


@pytest.fixture
def word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    # It is called as a module that everybody needs, and must not take its place.
    path = tmp_path / "json.py"
    path.write_text(FOCAL, encoding="utf-8")
    monkeypatch.setattr(own_code, "LOSSES", {})
    return f"{path}:focal"


def test_it_trains_and_only_runs_if_it_is_named(word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_table(tmp_path / "data.csv", "class")
    run = train("mlp", data=data, loss=word, **SHORT)
    result = said(capsys)
    assert json.loads((run / "result.json").read_text(encoding="utf-8"))["test"] == result["test"]
    own_code.LOSSES.clear()
    sentence = f"its code only runs if you name it: add --loss {word}"
    assert sentence in mistake(capsys, "evaluate", run)
    with pytest.raises(gw.GlassworkError, match="only runs if you name it"):
        gw.resume(run)
    assert main(["predict", str(run), str(data), "--json"]) == 0
    probabilities = said(capsys)["answers"][0]["probabilities"].values()
    assert sum(probabilities) == pytest.approx(1)
    assert main(["evaluate", str(run), "--loss", word, "--json"]) == 0
    assert said(capsys)["metrics"] == pytest.approx(result["test"])
    own_code.LOSSES.clear()
    assert gw.load(run, loss=word).evaluate() == pytest.approx(result["test"])


def test_it_is_the_loss_that_is_minimised(word: str, tmp_path: Path) -> None:
    data = write_table(tmp_path / "data.csv", "class")
    runs = [
        train("mlp", data=data, loss=loss, out=out, **SHORT)
        for out, loss in (("ours", "cross-entropy"), ("own", word.replace(":focal", ":plain")))
    ]
    require_same_steps(*runs)


def require_same_steps(one: Path, other: Path) -> None:
    losses = [
        [json.loads(line)["loss"] for line in (run / "steps.jsonl").read_text(encoding="utf-8").splitlines()]
        for run in (one, other)
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_a_run_goes_on_with_it(word: str, tmp_path: Path) -> None:
    options = {"data": str(write_table(tmp_path / "data.csv", "class")), "loss": word, **SHORT}
    whole = train("mlp", out="whole", **options)
    require_same(whole, resume(broken_off("mlp", 3, **options)))


@pytest.mark.parametrize(
    ("function", "options", "sentence"),
    [
        ("each", {}, "has to return one number, a tensor of shape (), and not shape ("),
        ("broken", {}, "failed: ZeroDivisionError: nothing to divide by"),
        ("focal", {"label_smoothing": 0.1}, "smoothing"),
        ("focal", {"class_weights": "balanced"}, "does not weigh classes"),
        ("missing", {}, "has no function 'missing'"),
    ],
)
def test_what_does_not_work_is_a_sentence(
    function: str, options: dict[str, object], sentence: str, word: str, tmp_path: Path
) -> None:
    data = write_table(tmp_path / "data.csv", "class")
    with pytest.raises(gw.GlassworkError) as mistaken:
        gw.train("mlp", data=data, loss=word.replace("focal", function), **{**PLAIN, **SHORT, **options})
    assert sentence in str(mistaken.value)


def test_restarts_take_turns(word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_table(tmp_path / "data.csv", "class")
    run = train("mlp", data=data, loss=word, restarts=2, **SHORT)
    assert "the loss is your own" in (run / "report.html").read_text(encoding="utf-8")
