"""Cross-validation: each network is the run that the same rows would give, and the choice follows the rule."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from torch import Tensor, nn

import glasswork as gw
from glasswork.data.kinds.table import Table
from glasswork.data.splits import split
from glasswork.errors import GlassworkError
from glasswork.studies.crossvalidate import CrossValidated, one_standard_error, prepare
from glasswork.studies.intervals import mean_and_standard_error
from glasswork.studies.options import CrossvalidateOptions
from glasswork.studies.study import Asked
from made_data import PLAIN, write_npz, write_table

FEW = {"data": "table.csv", "epochs": 2, "batch_size": 16, "learning_rate": 0.02, "threads": 1}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write_table(tmp_path / "table.csv", "class", 90)


def rings(path: Path, count: int = 240) -> Path:
    """Two classes that no straight line tells apart: inside of a circle, outside of it."""
    points = np.random.default_rng(3).normal(size=(count, 2)).round(4)
    lines = [f"{a},{b},{'out' if a * a + b * b > 1.4 else 'in'}" for a, b in points.tolist()]
    path.write_text("\n".join(["a,b,target", *lines]) + "\n", encoding="utf-8")
    return path


def write_rows(folder: Path, table: Path, parts: dict[str, Tensor]) -> Path:
    """The table as one file per split."""
    head, *lines = table.read_text(encoding="utf-8").splitlines()
    folder.mkdir()
    for name, rows in parts.items():
        chosen = [lines[row] for row in rows.tolist()]
        (folder / f"{name}.csv").write_text("\n".join([head, *chosen]) + "\n", encoding="utf-8")
    return folder


VARIED = {
    "class_weights": "balanced",
    "dropout": 0.2,
    "label_smoothing": 0.1,
    "penalty": "l2",
    "strength": 0.01,
    "activation": "tanh",
    "patience": 1,
}


@pytest.mark.parametrize(("kind", "further"), [("class", {}), ("number", {}), ("classes", {}), ("class", VARIED)])
def test_each_network_is_the_run_on_the_same_rows(tmp_path: Path, kind: str, further: dict[str, object]) -> None:
    table = write_table(tmp_path / "table.csv", kind, 90)
    settings = {"hidden": [3, (4, 3)], "learning_rate": [0.01, 0.03]}
    options = {"epochs": 3, "batch_size": 16, "validation": 0.2, "seed": 7, "threads": 1, **further}
    validation = prepare(
        CrossvalidateOptions(folds=2, repeats=2), Asked("mlp", {**options, "data": str(table)}, settings)
    )
    for _ in validation.steps():
        pass
    found = validation.result()
    assert [one.values for one in found.settings] == [
        {"hidden": hidden, "learning_rate": rate} for hidden in ((3,), (4, 3)) for rate in (0.01, 0.03)
    ]
    assert found.stacks == (8, 8)
    assert found.alone_because is None
    places = range(4) if kind == "class" and not further else [3]
    for place, one in ((place, found.settings[place]) for place in places):
        for result in one.folds[1:3]:  # the second fold of the first repeat, the first of the second
            fold = validation.folds[result.repeat - 1][result.fold - 1]
            recipe = validation.recipes[place].model_copy(update={"seed": 7 + result.repeat - 1})
            rows = validation.division.splits(validation.dataset[place], fold, recipe)
            folder = tmp_path / f"{place}-{result.repeat}-{result.fold}"
            write_rows(folder, table, {"train": rows.training, "validation": rows.validation, "test": rows.test})
            same = {**options, **PLAIN, **one.values, "seed": recipe.seed}
            model = gw.train("mlp", data=folder, out=str(folder / "run"), **same)
            assert model.evaluate() == pytest.approx(result.metrics, abs=1e-4)
            trained_on = write_rows(tmp_path / f"{folder.name}-again", table, {"test": rows.training})
            assert model.evaluate(trained_on) == pytest.approx(result.training_metrics, abs=1e-4)
            assert (result.training_examples, result.validation_examples) == (len(rows.training), len(rows.test))


def test_what_the_folds_say_is_their_mean(table: Path) -> None:
    found = gw.crossvalidate("mlp", {"hidden": [2, 8]}, 4, **FEW)
    for one in found.settings:
        errors = [fold.error for fold in one.folds]
        assert errors == [1 - fold.metrics["accuracy"] for fold in one.folds]
        assert one.error == pytest.approx(np.mean(errors))
        assert one.standard_error == pytest.approx(np.std(errors, ddof=1) / np.sqrt(4))
        assert one.training_error == pytest.approx(
            np.mean([1 - fold.training_metrics["accuracy"] for fold in one.folds])
        )
    assert [one.parameters for one in found.settings] == [(5 + 1) * 2 + 3 * 3, (5 + 1) * 8 + 9 * 3]
    assert found.varied == ("hidden",)
    assert (found.examples, found.kept_for_test, found.folds, found.repeats) == (72, 18, 4, 1)
    assert found.error_name == "error rate (1 - accuracy)"


def test_numbers_are_judged_by_the_variance_left(tmp_path: Path) -> None:
    write_table(tmp_path / "table.csv", "number", 60)
    found = gw.crossvalidate("mlp", {"hidden": [4]}, 3, **FEW)
    assert [fold.error for fold in found.settings[0].folds] == [1 - f.metrics["r2"] for f in found.settings[0].folds]
    assert found.error_name == "unexplained variance (1 - R2)"
    assert (found.varied, found.best, found.chosen, found.reason) == ((), 0, 0, "")


def test_the_seed_alone_decides(table: Path) -> None:
    first, again = (gw.crossvalidate("mlp", {"hidden": [4, 8]}, 3, seed=5, repeats=2, **FEW) for _ in range(2))
    assert first.to_json() == again.to_json()
    other = gw.crossvalidate("mlp", {"hidden": [4, 8]}, 3, seed=6, repeats=2, **FEW)
    assert [one.folds for one in other.settings] != [one.folds for one in first.settings]


def test_too_few_hidden_units_are_not_chosen(tmp_path: Path) -> None:
    rings(tmp_path / "rings.csv")
    found = gw.crossvalidate(
        "mlp", {"hidden": [1, 12, 48]}, 3, data="rings.csv", epochs=15, learning_rate=0.08, batch_size=16, threads=1
    )
    few, enough, many = found.settings
    assert few.error > 0.25 > enough.error
    assert few.training_error > 0.2 > many.training_error
    assert found.chosen != 0
    assert found.settings[found.chosen].error <= found.threshold
    assert found.threshold == found.settings[found.best].error + found.settings[found.best].standard_error


def test_nothing_sees_the_test_examples_and_training_sees_no_fold(table: Path, tmp_path: Path) -> None:
    def carried_out() -> tuple[CrossValidated, Tensor, Tensor]:
        validation = prepare(CrossvalidateOptions(folds=3), Asked("mlp", FEW, {"hidden": [4]}))
        for _ in validation.steps():
            pass
        return validation.result(), validation.tested, validation.folds[0][0].judged

    before, tested, judged = carried_out()
    head, *lines = table.read_text(encoding="utf-8").splitlines()

    def disturbed(rows: Tensor) -> CrossValidated:
        those = set(rows.tolist())
        changed = [f"9{line}" if row in those else line for row, line in enumerate(lines)]
        (tmp_path / "table.csv").write_text("\n".join([head, *changed]).replace("9-", "-9") + "\n", encoding="utf-8")
        return carried_out()[0]

    assert disturbed(tested).settings == before.settings
    after = disturbed(judged).settings[0].folds
    assert after[0].training_metrics == before.settings[0].folds[0].training_metrics
    assert after[0].metrics != before.settings[0].folds[0].metrics
    assert after[1].training_metrics != before.settings[0].folds[1].training_metrics


def test_the_test_examples_are_those_of_the_run_that_follows(table: Path) -> None:
    validation = prepare(CrossvalidateOptions(folds=3), Asked("mlp", {**FEW, "seed": 11}, {"hidden": [4]}))
    run = split(validation.dataset[0], 0.1, 0.2, 11)
    assert torch.equal(validation.tested, run.test)
    assert len(run.test) == 18


def test_groups_stay_together_and_are_no_input(tmp_path: Path) -> None:
    head, *lines = write_table(tmp_path / "plain.csv", "class", 90).read_text(encoding="utf-8").splitlines()
    grouped = [f"patient {row // 9},{line}" for row, line in enumerate(lines)]
    (tmp_path / "table.csv").write_text("\n".join([f"patient,{head}", *grouped]) + "\n", encoding="utf-8")
    validation = prepare(CrossvalidateOptions(folds=3, groups="patient"), Asked("mlp", FEW))
    assert Table.of(validation.dataset[0].task).features == ("width", "height", "depth", "colour=green", "colour=red")
    parts = [validation.tested, *(fold.judged for fold in validation.folds[0])]
    patients = [{row // 9 for row in part.tolist()} for part in parts]
    assert sum(map(len, patients)) == len(set.union(*patients)) == 10
    for _ in validation.steps():
        pass
    found = validation.result()
    assert found.groups == "patient"
    assert any("'patient' only groups" in remark for remark in found.remarks)
    by_labels = gw.crossvalidate("mlp", {}, 3, groups=[row // 9 for row in range(90)], **{**FEW, "data": "plain.csv"})
    assert [f.metrics for f in by_labels.settings[0].folds] == [f.metrics for f in found.settings[0].folds]
    with pytest.raises(GlassworkError, match="89 labels of groups for the 90 examples"):
        gw.crossvalidate("mlp", {}, 3, groups=range(89), **FEW)


def test_in_time_order_the_latest_examples_are_kept_for_the_test(table: Path) -> None:
    found = gw.crossvalidate("mlp", {"hidden": [4]}, 3, order="time", **{**FEW, "validation": 0.1})
    assert [(f.training_examples, f.validation_examples) for f in found.settings[0].folds] == [
        (16, 18),
        (32, 18),
        (49, 18),
    ]
    assert any("18 test examples are the latest" in remark for remark in found.remarks)
    assert found.stacks == (1, 1, 1)
    assert found.alone_because == "the stages differ in how many batches make an epoch"


def test_a_setting_that_diverges_is_told_and_the_others_are_judged(table: Path) -> None:
    options = {**FEW, "optimizer": "sgd", "loss": "squared-error", "hidden": 8}
    del options["learning_rate"]
    found = gw.crossvalidate("mlp", {"learning_rate": [0.05, 1e12]}, 3, **options)
    assert [one.name for one in found.settings] == ["learning rate 0.05"]
    assert list(found.failed) == ["learning rate 1e+12"]
    assert "learning rate" in found.failed["learning rate 1e+12"]
    with pytest.raises(GlassworkError, match="lower learning rate"):
        gw.crossvalidate("mlp", {"learning_rate": [1e12]}, 3, **options)


def test_images_the_online_rule_and_modules_of_ones_own(tmp_path: Path) -> None:
    write_npz(tmp_path / "images.npz", "class", 48)
    images = {"data": "images.npz", "epochs": 1, "batch_size": 16, "threads": 1}
    shifted = gw.crossvalidate("lenet", {"augment": [(), ("flip",)], "dropout": [0, 0.5]}, 2, **images)
    assert [one.name for one in shifted.settings][-1] == "augment flip, dropout 0.5"
    assert shifted.stacks == (1,) * 8
    assert shifted.alone_because == "only the networks linear and dense can be stacked"
    (tmp_path / "and.csv").write_text(
        "x1,x2,t\n" + "".join(f"{a},{b},{a * b}\n" for a, b in [(0, 0), (0, 1), (1, 0), (1, 1)] * 5)
    )
    online = gw.crossvalidate("xor", {"hidden": [1, 2]}, 2, data="and.csv", target="t", epochs=200, test=0.0)
    assert [one.parameters for one in online.settings] == [5, 9]
    own = nn.Sequential(nn.Flatten(), nn.Linear(144, 3))
    before = own[1].weight.detach().clone()
    judged = gw.crossvalidate("own", {"learning_rate": [0.001, 0.01]}, 2, network=own, **images)
    assert [one.parameters for one in judged.settings] == [435, 435]
    assert torch.equal(own[1].weight, before)


def test_copies_in_other_folds_are_told(tmp_path: Path) -> None:
    head, *lines = write_table(tmp_path / "table.csv", "class", 60).read_text(encoding="utf-8").splitlines()
    (tmp_path / "table.csv").write_text("\n".join([head, *lines, *lines]) + "\n", encoding="utf-8")
    found = gw.crossvalidate("mlp", {}, 3, **FEW)
    assert any("are exact copies of training examples" in remark for remark in found.remarks)


@pytest.mark.parametrize(
    ("settings", "options", "sentence"),
    [
        ({"seed": [1, 2]}, {}, "seed cannot have several values"),
        ({"hidden": []}, {}, "hidden has no value to try"),
        ({"hidden": [4, (4,)]}, {}, "hidden 4 is given twice"),
        ({"hiden": [4]}, {}, "did you mean 'hidden'"),
        (
            {"strength": [0, 0.1]},
            {},
            "strength has no effect where penalty is none: it needs --penalty l1 or l2 or max-norm",
        ),
        (
            {"hidden": [4, 8]},
            {"network": "linear"},
            "hidden has no effect where network is linear: it needs --network dense",
        ),
        (
            {"momentum": [0.5, 0.9]},
            {"optimizer": "sgd"},
            "momentum has no effect where optimizer is sgd: it needs --optimizer momentum or adam",
        ),
        ({}, {"budget": "10s"}, "bounded by --epochs"),
        ({}, {"restarts": 3}, "restarts has to stay 1"),
        ({}, {"out": "runs/x"}, "makes no run"),
        ({}, {"repeats": 0}, "at least 1, not 0"),
        ({}, {"order": "backwards"}, "no order 'backwards'"),
        ({}, {"folds": 40}, "and 40 folds need one each"),
    ],
)
def test_mistakes_are_told(
    table: Path, settings: dict[str, list[object]], options: dict[str, object], sentence: str
) -> None:
    with pytest.raises(GlassworkError, match=sentence):
        gw.crossvalidate("mlp", settings, **{**FEW, **options})  # type: ignore[arg-type]


errors = some.lists(some.floats(0, 1), min_size=2, max_size=8)


@given(repeats=some.lists(some.lists(some.floats(0, 1), min_size=4, max_size=4), min_size=1, max_size=3))
def test_mean_and_standard_error(repeats: list[list[float]]) -> None:
    mean, error = mean_and_standard_error(repeats)
    assert mean == pytest.approx(np.mean(repeats))
    squares = np.var(repeats, axis=1, ddof=1) / 4
    assert error == pytest.approx(np.sqrt(squares.mean()))


@given(some.lists(some.tuples(some.floats(0, 1), some.floats(0, 0.3), some.integers(1, 4)), min_size=1, max_size=8))
def test_the_choice_is_the_simplest_near_the_least(settings: list[tuple[float, float, int]]) -> None:
    means, spreads, sizes = zip(*settings, strict=True)
    best, threshold, chosen = one_standard_error(means, spreads, [(size,) for size in sizes])
    assert means[best] == min(means)
    assert threshold == means[best] + spreads[best]
    assert means[chosen] <= threshold
    assert all(sizes[k] >= sizes[chosen] for k in range(len(settings)) if means[k] <= threshold)
    assert all(
        means[k] >= means[chosen] for k in range(len(settings)) if means[k] <= threshold and sizes[k] == sizes[chosen]
    )
