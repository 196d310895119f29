import itertools
import json
from pathlib import Path

import pytest

import glasswork as gw
from glasswork.errors import GlassworkError
from glasswork.studies.vary import Varied
from made_data import PLAIN, write_table

QUICK = {**PLAIN, "epochs": 15, "data": "circle"}


def test_more_neurons_are_more_capacity(tmp_path: Path) -> None:
    found = gw.vary("points", "hidden", ["1", "8"], {**QUICK, "epochs": 60})
    one, eight = found.variants
    assert (found.preset, found.data, found.field, found.curve) == ("points", "circle", "hidden", None)
    assert (one.value, eight.value, one.run) == ("1", "8", None)
    assert one.figures["training"]["accuracy"] < 0.8 < 0.95 < eight.figures["training"]["accuracy"]
    assert set(one.figures) == {"training", "test"}
    assert not list(tmp_path.iterdir())  # nothing is left behind
    assert Varied.from_json(json.loads(json.dumps(found.to_json()))) == found


def roughness(found: Varied, place: int) -> int:
    """How many pairs of neighbouring cells are answered differently: the length of the boundary."""
    region = found.variants[place].region
    assert region is not None
    above = [[value > 0.5 for value in row] for row in region.values[1]]
    return sum(a != b for row in above for a, b in itertools.pairwise(row)) + sum(
        a != b for row, other in itertools.pairwise(above) for a, b in zip(row, other, strict=True)
    )


def test_stronger_regularisation_is_a_smoother_boundary(tmp_path: Path) -> None:
    options = {**PLAIN, "epochs": 400, "data": "moons", "hidden": 20, "penalty": "l2", "learning_rate": 0.1}
    found = gw.vary("points", "strength", [0.0, 0.01], options)
    assert roughness(found, 1) < roughness(found, 0)
    free, bound = (variant.figures["training"]["loss"] for variant in found.variants)
    assert free < bound


def test_variants_are_the_runs_of_the_command_line(tmp_path: Path) -> None:
    found = gw.vary("points", "activation", ["relu", "tanh"], QUICK, runs="kept")
    assert [variant.run for variant in found.variants] == ["kept/activation-relu", "kept/activation-tanh"]
    for variant in found.variants:
        assert variant.run is not None
        result = json.loads(Path(variant.run, "result.json").read_text(encoding="utf-8"))
        assert result["test"] == pytest.approx(dict(variant.figures["test"]))
        assert Path(variant.run, "region.png").is_file()
    alone = gw.train("points", activation="relu", out="alone", **QUICK)
    assert alone.evaluate() == pytest.approx(dict(found.variants[0].figures["test"]))


def test_one_number_of_epochs_is_one_long_run(tmp_path: Path) -> None:
    options = {**PLAIN, "data": "gauss", "hidden": 20, "learning_rate": 0.1, "schedule": "constant"}
    found = gw.vary("points", "epochs", [60], options)
    curve = found.curve
    assert curve is not None and curve.epochs == tuple(range(1, 61))
    assert curve.best == 1 + min(range(60), key=lambda place: curve.validation[place])
    best, last = found.variants
    assert (best.value, last.value) == (f"{curve.best} (best)", "60 (last)")
    assert best.figures["validation"]["loss"] == pytest.approx(min(curve.validation))
    assert last.figures["validation"]["loss"] == pytest.approx(curve.validation[-1])
    assert best.region != last.region
    assert f"Early stopping keeps epoch {curve.best}, where the validation error is lowest" in found.verdict()


def test_patience_does_not_end_the_long_run_and_what_is_asked_is_held_out(tmp_path: Path) -> None:
    table = write_table(tmp_path / "a.csv", "class")  # a path will do as well as its name
    found = gw.vary("lenet", "epochs", [9], {**PLAIN, "data": table, "network": "linear"})
    assert found.curve is not None and found.curve.epochs[-1] == 9
    assert found.variants[0].region is None
    with pytest.raises(GlassworkError, match="examples, and there are none: add --validation"):
        gw.vary("points", "epochs", [3], {**PLAIN, "validation": 0})


def test_data_may_vary(tmp_path: Path) -> None:
    found = gw.vary("points", "data", ["circle", "xor"], {**PLAIN, "epochs": 2})
    assert [variant.value for variant in found.variants] == ["circle", "xor"]


@pytest.mark.parametrize(
    ("field", "values", "options", "words"),
    [
        ("hiden", [1, 2], {}, "did you mean 'hidden'"),
        ("hidden", [3], {}, "give two or more values"),
        ("hidden", [3, "3"], {}, "given twice"),
        ("seed", [3, 3], {}, "given twice"),
        ("hidden", [3, 4], {"hidden": 5}, "is varied"),
        ("hidden", [3, "many"], {}, "does not fit"),
        ("strength", [0.1, 0.2], {}, "no effect where penalty is none"),
        ("threads", [1, 2], {}, "does not change what is learned"),
        ("epochs", ["ten"], {}, "does not fit"),
    ],
)
def test_mistakes_are_sentences(field: str, values: list[object], options: dict[str, object], words: str) -> None:
    with pytest.raises(GlassworkError, match=words):
        gw.vary("points", field, values, options)
