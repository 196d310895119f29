"""Ways against over-training compared: one table, chosen by validation alone."""

from pathlib import Path

import pytest

from glasswork.cli import main
from glasswork.errors import GlassworkError
from glasswork.own_code import name_network
from glasswork.studies.penalties import METHODS, prepare
from made_data import mistake, said, write_network, write_table

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def data(tmp_path: Path) -> str:
    return str(write_table(tmp_path / "data.csv", "class", 60))


def test_one_table(data: str, capsys: Captured) -> None:
    words = ["compare", "--penalties", "mlp", "--data", data, "--hidden", "8", "--epochs", "3", "--seeds", "2"]
    words += ["--validation", "0.3", "--threads", "1"]
    assert main([*words, "--json", "--out", "page.html"]) == 0
    found = said(capsys)
    assert [one["method"] for one in found["methods"]] == list(METHODS)
    assert found["seeds"] == [0, 1]
    for one in found["methods"]:
        tried = {each["value"]: each["validation_loss"] for each in found["tried"] if each["method"] == one["method"]}
        assert len(tried) == max(1, len(METHODS[one["method"]][2]))
        assert tried[one["value"]] == min(tried.values()) == pytest.approx(one["validation"]["loss"]["mean"])
        assert one["test"]["loss"]["standard_error"] >= 0
        assert one["weights_norm"]["mean"] > 0
    page = Path("page.html").read_text(encoding="utf-8")
    assert all(f'<td class="short">{method}</td>' in page for method in METHODS)
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert "max-norm" in printed and "the test examples chose nothing" in printed
    command = printed.split("glasswork train ")[1].split()
    assert main(["train", *command, "--threads", "1", "--out", "run", "--json"]) == 0


def test_seeds_share_rows_and_methods_share_first_weights(data: str) -> None:
    comparison = prepare("mlp", {"data": data, "hidden": "8", "epochs": 1, "threads": 1, "validation": 0.3}, seeds=1)
    for _ in comparison.steps():
        pass
    weak = comparison.trained["max-norm", 1.0]
    none = comparison.trained["none", None]
    assert weak is not None and none is not None
    assert len(weak) == len(none) == 1
    assert weak[0].norm <= none[0].norm
    assert comparison.result().methods[0].test["loss"].standard_error == 0.0


def test_a_network_without_a_place_for_dropout(data: str, tmp_path: Path) -> None:
    values = {"data": data, "epochs": 1, "threads": 1, "validation": 0.3, "network": write_network(tmp_path)}
    name_network(str(values["network"]))
    comparison = prepare("own", values, seeds=1)
    for _ in comparison.steps():
        pass
    found = comparison.result()
    assert [one.method for one in found.methods] == [method for method in METHODS if method != "dropout"]
    assert found.remarks == ["this network has no dropout, which is left out"]


def test_what_cannot_be_trained_is_said(data: str) -> None:
    values = {"data": data, "hidden": "8", "epochs": 2, "threads": 1, "validation": 0.3, "optimizer": "sgd"}
    comparison = prepare("mlp", {**values, "learning_rate": 1e30}, seeds=1)
    for _ in comparison.steps():
        pass
    with pytest.raises(GlassworkError, match="not a finite number"):
        comparison.result()
    trained = prepare("mlp", {**values, "learning_rate": 0.1}, seeds=1)
    for _ in trained.steps():
        pass
    trained.trained["L1", 1e-4], trained.problems["L1", 1e-4] = None, "it overflowed"
    found = trained.result()
    assert found.remarks == ["L1 0.0001 could not be trained: it overflowed"]
    assert next(one for one in found.methods if one.method == "L1").value in (3e-4, 1e-3)


def test_mistakes_are_one_sentence(data: str, capsys: Captured) -> None:
    with pytest.raises(GlassworkError, match="dropout is one of the things compared"):
        prepare("mlp", {"data": data, "dropout": 0.3})
    assert "no recipe key or flag '--dropout'" in mistake(capsys, "compare", "--penalties", "mlp", "--dropout", "0.5")
    assert "add --validation" in mistake(capsys, "compare", "--penalties", "mlp", "--data", data, "--validation", "0")
    assert "use glasswork compare --penalties mlp" in mistake(capsys, "compare", "--penalties", "xor")
    assert "seeds has to be at least 1" in mistake(
        capsys, "compare", "--penalties", "mlp", "--data", data, "--seeds", "0"
    )
