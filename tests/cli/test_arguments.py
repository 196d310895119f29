"""The words of the command line become the values that were meant, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from glasswork.catalogue import PRESETS, recipe_of
from glasswork.cli.arguments import asked_values, parse
from glasswork.cli.verbs import VERBS, verb_called
from glasswork.errors import GlassworkError
from glasswork.recipe.base import Machine
from glasswork.run.request import make_request
from glasswork.systems.supervised.recipe import SupervisedRecipe


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_a_file_and_says_what_it_takes(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert callable(verb_called(verb).carry_out)
    with pytest.raises(SystemExit):
        parse([verb, "--help"])
    assert "--json" in capsys.readouterr().out


def test_only_what_was_given_is_a_value() -> None:
    options = parse(["train", "lenet", "--learning-rate", "0.5", "--strict", "--out", "here"])
    assert (options.what, options.json) == ("lenet", False)
    assert asked_values(options) == {"learning_rate": "0.5", "strict": True, "out": "here"}
    assert asked_values(parse(["train", "--no-strict"])) == {"strict": False}
    assert asked_values(parse(["train"])) == {}


def test_several_inputs() -> None:
    assert parse(["predict", "run", "a.png", "b.png", "--csv", "out.csv"]).inputs == ["a.png", "b.png"]


@pytest.mark.parametrize("preset", PRESETS)
def test_every_field_is_a_flag(preset: str) -> None:
    samples = {bool: [], int: ["3"], float: ["0.25"]}
    for model in (recipe_of(preset), Machine):
        for name, field in model.model_fields.items():
            kinds = str(field.annotation)
            if "Literal" in kinds:
                continue
            kind = bool if "bool" in kinds else float if "float" in kinds else int if "int" in kinds else str
            words = samples.get(kind, ["flip"])
            options = parse(["train", preset, f"--{name.replace('_', '-')}", *words])
            assert set(asked_values(options)) == {name}


@given(
    rate=some.floats(1e-9, 10), seed=some.integers(0, 2**31 - 1), hidden=some.lists(some.integers(1, 999), min_size=1)
)
def test_numbers_arrive_exactly(rate: float, seed: int, hidden: list[int]) -> None:
    words = ["--learning-rate", repr(rate), "--seed", str(seed), "--hidden", ",".join(map(str, hidden))]
    recipe = make_request("mlp", asked_values(parse(["train", "mlp", *words]))).recipe
    assert isinstance(recipe, SupervisedRecipe)
    assert (recipe.learning_rate, recipe.seed, recipe.hidden) == (rate, seed, tuple(hidden))


@pytest.mark.parametrize(
    ("word", "seconds"), [("90", 90), ("90s", 90), ("2m", 120), ("1h30m", 5400), ("1.5m", 90), ("1m 30s", 90)]
)
def test_times(word: str, seconds: float) -> None:
    recipe = make_request("lenet", asked_values(parse(["train", "lenet", "--budget", word]))).recipe
    assert recipe.budget == seconds
    assert recipe.epochs is None


@pytest.mark.parametrize("word", ["", "m", "2x", "-3s", "1:30", "two minutes"])
def test_words_that_are_no_time(word: str) -> None:
    with pytest.raises(GlassworkError, match="budget"):
        make_request("lenet", asked_values(parse(["train", "lenet", f"--budget={word}"])))


def test_abbreviated_flags_are_refused() -> None:
    with pytest.raises(GlassworkError, match="did you mean '--epochs'"):
        parse(["train", "lenet", "--epoch", "3"])
