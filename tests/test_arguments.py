"""The words of the command line become the values that were meant, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from glasswork.arguments import SENTENCES, parse
from glasswork.catalogue import PRESETS, RECIPES, order
from glasswork.cli import VERBS
from glasswork.errors import GlassworkError
from glasswork.recipes.base import Machine
from glasswork.recipes.supervised import SupervisedRecipe


def test_every_verb_has_a_sentence() -> None:
    assert set(SENTENCES) == set(VERBS)


def test_only_what_was_given_is_a_value() -> None:
    options = parse(["train", "lenet", "--learning-rate", "0.5", "--strict", "--out", "here"])
    assert (options.what, options.json) == ("lenet", False)
    assert options.values == {"learning_rate": "0.5", "strict": True, "out": "here"}
    assert parse(["train", "--no-strict"]).values == {"strict": False}
    assert parse(["train"]).values == {}


def test_values_of_verbs_that_train_nothing_are_no_recipe() -> None:
    assert parse(["evaluate", "run", "--data", "x", "--device", "cpu"]).values == {}
    assert parse(["predict", "run", "a.png", "b.png", "--csv", "out.csv"]).inputs == ["a.png", "b.png"]


@pytest.mark.parametrize("preset", PRESETS)
def test_every_field_is_a_flag(preset: str) -> None:
    samples = {bool: [], int: ["3"], float: ["0.25"]}
    for model in (RECIPES[PRESETS[preset].system], Machine):
        for name, field in model.model_fields.items():
            kinds = str(field.annotation)
            if "Literal" in kinds:
                continue
            kind = bool if "bool" in kinds else float if "float" in kinds else int if "int" in kinds else str
            words = samples.get(kind, ["flip"])
            options = parse(["train", preset, f"--{name.replace('_', '-')}", *words])
            assert set(options.values) == {name}


@given(
    rate=some.floats(1e-9, 10), seed=some.integers(0, 2**31 - 1), hidden=some.lists(some.integers(1, 999), min_size=1)
)
def test_numbers_arrive_exactly(rate: float, seed: int, hidden: list[int]) -> None:
    words = ["--learning-rate", repr(rate), "--seed", str(seed), "--hidden", ",".join(map(str, hidden))]
    recipe = order("mlp", parse(["train", "mlp", *words]).values).recipe
    assert isinstance(recipe, SupervisedRecipe)
    assert (recipe.learning_rate, recipe.seed, recipe.hidden) == (rate, seed, tuple(hidden))


@pytest.mark.parametrize(
    ("word", "seconds"), [("90", 90), ("90s", 90), ("2m", 120), ("1h30m", 5400), ("1.5m", 90), ("1m 30s", 90)]
)
def test_times(word: str, seconds: float) -> None:
    recipe = order("lenet", parse(["train", "lenet", "--budget", word]).values).recipe
    assert recipe.budget == seconds
    assert recipe.epochs is None


@pytest.mark.parametrize("word", ["", "m", "2x", "-3s", "1:30", "two minutes"])
def test_words_that_are_no_time(word: str) -> None:
    with pytest.raises(GlassworkError, match="budget"):
        order("lenet", parse(["train", "lenet", f"--budget={word}"]).values)


def test_abbreviated_flags_are_refused() -> None:
    with pytest.raises(GlassworkError, match="did you mean '--epochs'"):
        parse(["train", "lenet", "--epoch", "3"])
