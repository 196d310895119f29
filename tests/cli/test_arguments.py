"""The words of the command line become the values that were meant, and nothing else."""

import re
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as some

from glasswork.catalogue import PRESETS, recipe_of
from glasswork.cli.arguments import asked_values, parse
from glasswork.cli.verbs import VERBS, overview
from glasswork.errors import GlassworkError
from glasswork.recipe.base import Machine
from glasswork.run.request import make_request
from glasswork.studies.study import Argument
from glasswork.studies.table import STUDIES
from glasswork.systems.supervised.recipe import SupervisedRecipe


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_its_functions_and_says_what_it_takes(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert callable(VERBS[verb].carry_out)
    with pytest.raises(SystemExit):
        parse([verb, "--help"])
    assert "--json" in capsys.readouterr().out


def test_the_overview_fits_on_one_screen_and_has_every_verb() -> None:
    lines = overview().splitlines()
    assert len(lines) < 24 and max(map(len, lines)) <= 80
    words = {word for line in lines for word in line.split()}
    assert set(VERBS) <= words
    examples = [line.split("#")[0] for line in lines if line.startswith("  glasswork ")]
    assert len(examples) == 3
    for example in examples:
        parse(shlex.split(example)[1:])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--json", "runs"], "A verb comes first, and '--json' is none"),
        (["crosvalidate"], "did you mean 'crossvalidate'?"),
        (["vary", "points"], "the following arguments are required: FIELD, VALUE"),
        (["vary", "points", "hidden"], "the following arguments are required: VALUE"),
        (["transfer", "photos", "--split", "3"], "did you mean '--splits'?"),
        (["rate", "mlp", "--epochs", "3"], "there is no recipe key or flag '--epochs'"),
        (["compare", "--seeds", "3"], "there is no recipe key or flag '--seeds'"),
    ],
)
def test_mistakes_of_words(words: list[str], sentence: str) -> None:
    with pytest.raises(GlassworkError, match=re.escape(sentence)):
        parse(words)


@pytest.mark.parametrize("name", STUDIES)
def test_the_options_of_a_study_arrive_with_their_types(name: str) -> None:
    study = STUDIES[name]
    words = ["compare", "--penalties"] if name == "compare-penalties" else [name]
    positional = [] if study.recipe is None or not study.recipe.required else ["points"]
    given: dict[str, object] = {}
    for key, field in study.options_class.model_fields.items():
        kinds = str(field.annotation)
        place = next((mark for mark in field.metadata if isinstance(mark, Argument)), Argument())
        if place.hidden:
            continue
        value: object = place.choices[-1] if place.choices else "7"
        if field.annotation is bool:
            given[key], value = True, None
        elif "tuple" in kinds:
            given[key] = ("7",)
        else:
            given[key] = 7 if "int" in kinds else value
        flag = [] if place.positional else [f"--{key.replace('_', '-')}"]
        (positional if place.positional else words).extend([*flag, *([] if value is None else [str(value)])])
    options = parse([words[0], *positional, *words[1:]])
    assert study.options_class.parse({key: getattr(options, key) for key in given}) == study.options_class(**given)


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
            if "Literal" in kinds or field.annotation is type(None):
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
