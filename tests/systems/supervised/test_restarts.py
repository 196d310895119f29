"""Random restarts through the command line: the networks of single runs, the right one kept, stopped and resumed."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file
from torch import Tensor, nn

import glasswork as gw
from closeness import assert_same_numbers
from glasswork.cli import main
from glasswork.errors import GlassworkError
from glasswork.training.checkpoints import checkpoints, flatten, load_checkpoint
from made_data import broken_off, mistake, pictures, resume, said, train, write_network, write_npz, write_table

SMALL = {"hidden": "6", "batch_size": 8, "epochs": 4, "learning_rate": 0.02}


def result(run: Path) -> dict[str, Any]:
    found = json.loads((run / "result.json").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def without_times(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: without_times(value) for key, value in tree.items() if key != "elapsed"}
    return [without_times(value) for value in tree] if isinstance(tree, list) else tree


def remains(run: Path) -> dict[str, object]:
    """What is the same of two runs of a recipe, byte for byte; a state tells the seconds of every member."""
    tensors: dict[str, Tensor] = {}
    tree = without_times(load_checkpoint(checkpoints(run / "checkpoints")[-1]))
    return {
        "model": (run / "model" / "model.safetensors").read_bytes(),
        "steps": (run / "steps.jsonl").read_text(encoding="utf-8"),
        "state": flatten(tree, "state", tensors),
        "tensors": {name: tensor.numpy().tobytes() for name, tensor in tensors.items()},
        "restarts": result(run)["restarts"],
    }


def seeds_by(found: Mapping[str, Any], loss: str) -> list[int]:
    """Seeds of the members, least loss first."""
    return [one["seed"] for one in sorted(found["restarts"], key=lambda one: float(one[loss]))]


@pytest.fixture
def table(tmp_path: Path) -> str:
    return str(write_table(tmp_path / "table.csv", "class", 90))


def test_members_are_the_runs_of_their_seeds(tmp_path: Path) -> None:
    """On a split that the data gives, as the split of a run alone depends on its seed."""
    images, labels = pictures(90)
    given = tmp_path / "given.npz"
    parts = {"train": slice(0, 60), "val": slice(60, 75), "test": slice(75, 90)}
    arrays = {
        f"{kind}_{part}": array[rows] for part, rows in parts.items() for kind, array in (("x", images), ("y", labels))
    }
    np.savez(given, **arrays)
    options: dict[str, Any] = {"data": str(given), **SMALL}
    found = result(train("mlp", out="all", seed=5, restarts=3, **options))
    for place in range(3):
        alone = result(train("mlp", out=f"alone-{place}", seed=5 + place, **options))
        member = found["restarts"][place]
        assert member["seed"] == 5 + place
        assert member["epochs"] == alone["epochs"]
        assert member["validation_loss"] == pytest.approx(alone["validation"]["loss"], abs=1e-4)
        assert member["test"] == pytest.approx(alone["test"], abs=1e-4)
    kept = found["selected"]["seed"] - 5
    assert found["test"] == found["restarts"][kept]["test"]
    ours, theirs = (load_file(f"{run}/model/model.safetensors") for run in ("all", f"alone-{kept}"))
    for name, weight in theirs.items():
        assert_same_numbers(ours[name], weight, 1e-4, least=1)


@pytest.mark.parametrize("select", ["validation", "training"])
@pytest.mark.parametrize("way", ["stacked", "in turn"])
def test_the_one_with_the_least_loss_is_kept(select: str, way: str, table: str, tmp_path: Path) -> None:
    options: dict[str, Any] = {"data": table, "restarts": 5, "select_by": select, **SMALL}
    preset = "mlp"
    if way == "in turn":
        del options["hidden"]
        preset, options["network"] = "own", write_network(tmp_path)
    found = result(train(preset, **options))
    assert found["stacked"] == (way == "stacked")
    assert seeds_by(found, f"{select}_loss")[0] == found["selected"]["seed"]
    assert found["selected"]["by"] == select
    kept = next(one for one in found["restarts"] if one["seed"] == found["selected"]["seed"])
    assert found["test"] == pytest.approx(kept["test"])
    assert found["validation"]["loss"] == pytest.approx(kept["validation_loss"], abs=1e-6)


@pytest.mark.parametrize(
    ("options", "select"), [({}, "validation"), ({"validation": 0}, "training")], ids=["held out", "none held out"]
)
def test_the_loss_that_chooses_depends_on_what_is_held_out(
    options: dict[str, Any], select: str, table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run = train("mlp", json=False, data=table, restarts=3, **options, **SMALL)
    words = " ".join(capsys.readouterr().out.split())
    assert f"is kept, as its {select} loss" in words
    assert ("no example is held out for validation" in words) == (select == "training")
    found = result(run)
    assert found["selected"]["by"] == select
    assert seeds_by(found, f"{select}_loss")[0] == found["selected"]["seed"]
    assert f'select_by = "{select}"' in (run / "resolved.toml").read_text(encoding="utf-8")
    assert "select_by" not in (run / "recipe.toml").read_text(encoding="utf-8")


def test_points_is_restarted_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    found = result(train("points", restarts=4, epochs=3))
    assert found["selected"]["by"] == "training" and found["stacked"]


def test_the_report_shows_both_winners_and_the_spread(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    run = train("mlp", data=table, restarts=6, **SMALL)
    found = said(capsys)
    assert len({one["validation_loss"] for one in found["restarts"]}) == 6
    page = (run / "report.html").read_text(encoding="utf-8")
    section = page[page.index("Random restarts") :]
    assert section.count("<svg") >= 2
    first, other = seeds_by(found, "validation_loss")[0], seeds_by(found, "training_loss")[0]
    table_of_seeds = section[section.index("<table") : section.index("</table>")]
    rows = re.findall(r"<tr[^>]*>\s*<td[^>]*>(\d+)</td><td[^>]*>([^<]*)</td>", table_of_seeds)
    assert [int(seed) for seed, _ in rows].count(first) == 1
    assert {int(seed) for seed, _ in rows} == set(range(6))
    chosen = {int(seed): words for seed, words in rows if words}
    assert "validation loss" in chosen[first]
    assert "(kept)" in chosen[first]
    assert "training loss" in chosen[other]
    assert f"chooses seed {other}" in section or f"choose seed {other}" in section
    assert main(["evaluate", str(run), "--json"]) == 0
    assert said(capsys)["metrics"]["accuracy"] == pytest.approx(found["test"]["accuracy"])


@pytest.mark.parametrize(
    "options",
    [
        {"restarts": 4, "patience": 2, "schedule": "constant", "learning_rate": 0.3, "epochs": 12},
        {"restarts": 3, "validation": 0, "select_by": "training", "dropout": 0.3},
        {"restarts": 3, "network": "own", "patience": 1, "schedule": "constant", "learning_rate": 0.3, "epochs": 6},
        {"restarts": 2, "network": "own", "validation": 0, "select_by": "training"},
    ],
    ids=["stacked", "stacked without validation", "in turn", "in turn without validation"],
)
def test_a_stopped_run_goes_on_bit_by_bit(options: dict[str, Any], table: str, tmp_path: Path) -> None:
    values = {"data": table, **SMALL, **options}
    preset = "mlp"
    if values.get("network") == "own":
        del values["hidden"]
        preset, values["network"] = "own", write_network(tmp_path)
    whole = train(preset, out="whole", **values)
    total = result(whole)["steps"]
    for after in {1, total // 2, total - 1}:
        run = broken_off(preset, after, out=f"stopped-{after}", **values)
        one, other = remains(whole), remains(resume(run))
        assert [key for key in one if one[key] != other[key]] == []


def test_members_stop_one_by_one(table: str) -> None:
    values = {**SMALL, "epochs": 30, "learning_rate": 0.3}
    run = train("mlp", data=table, restarts=5, patience=2, schedule="constant", **values)
    found = result(run)
    epochs = [one["epochs"] for one in found["restarts"]]
    assert len(set(epochs)) > 1
    assert found["epochs"] == max(epochs) < 30
    lines = [json.loads(line) for line in (run / "steps.jsonl").read_text(encoding="utf-8").splitlines()]
    steps = found["examples"]["train"]
    for epoch in range(1, max(epochs) + 1):
        examples = sum(line["examples"] for line in lines if line["epoch"] == epoch)
        assert examples == steps * sum(made >= epoch for made in epochs)


def test_what_cannot_be_stacked_is_trained_in_turn_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_npz(tmp_path / "data.npz", "class")
    run = train("lenet", json=False, data=data, restarts=3, epochs=2, batch_size=16)
    assert "trained one after the other, as only the networks linear and dense can be stacked" in " ".join(
        capsys.readouterr().out.split()
    )
    found = result(run)
    assert any("one after the other" in warning for warning in found["warnings"])
    assert "one after the other" in (run / "report.html").read_text(encoding="utf-8")
    assert [one["epochs"] for one in found["restarts"]] == [2, 2, 2]
    assert found["epochs"] == 6


def test_a_network_that_diverges_is_given_up_and_told(table: str) -> None:
    """With steps so long that some of the networks overflow."""
    values = {**SMALL, "loss": "squared-error", "optimizer": "sgd", "schedule": "constant", "epochs": 12}
    found = None
    for rate in (0.6, 0.8, 1.0, 1.3, 1.7, 2.2):
        try:
            run = train("mlp", out=f"run-{rate}", **{**values, "learning_rate": rate, "data": table, "restarts": 12})
        except AssertionError:
            continue
        found = result(run)
        lost = [one for one in found["restarts"] if "problem" in one]
        if lost:
            break
    assert found is not None
    assert 0 < len(lost) < 12
    assert all(f"seed {one['seed']} was abandoned" in " ".join(found["warnings"]) for one in lost)
    assert found["selected"]["seed"] not in [one["seed"] for one in lost]


def test_a_budget_is_shared(table: str, tmp_path: Path) -> None:
    values = {key: value for key, value in SMALL.items() if key not in {"epochs", "hidden"}}
    found = result(train("mlp", out="stacked", data=table, restarts=4, budget="2s", hidden="6", **values))
    assert len({one["epochs"] for one in found["restarts"]}) == 1
    run = train("own", out="turns", data=table, restarts=2, budget="3s", network=write_network(tmp_path), **values)
    assert len(result(run)["restarts"]) == 2
    state = load_checkpoint(checkpoints(run / "checkpoints")[-1])
    assert all(one["elapsed"] > 0.2 for one in state["restarts"]["done"])


def test_mistakes_are_told_in_a_sentence(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = mistake(
        capsys, "train", "mlp", "--data", table, "--restarts", 4, "--validation", 0, "--select-by", "validation"
    )
    assert "--select-by training" in words
    with pytest.raises(GlassworkError, match="module made in Python"):
        gw.train(network=nn.Sequential(nn.Flatten(), nn.Linear(4, 3)), data=table, restarts=2)
    assert main(["train", "mlp", "--data", table, "--restarts", "0"]) == 2
