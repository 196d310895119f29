"""Recipes: a sentence for every field, every value checked, and what is written is read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import ValidationError

from glasswork.catalogue import PRESETS, SYSTEMS
from glasswork.errors import GlassworkError
from glasswork.files import parse_toml
from glasswork.recipe.base import Machine, Options, Recipe
from glasswork.recipe.toml import written_out
from glasswork.run.request import make_request
from glasswork.systems.supervised.recipe import SupervisedRecipe

every_options = pytest.mark.parametrize(
    "options", [*(row.recipe for row in SYSTEMS.values()), Recipe, Machine], ids=lambda kind: kind.__name__
)


@every_options
def test_every_field_has_a_sentence_and_a_default(options: type[Options]) -> None:
    for name, field in options.model_fields.items():
        assert field.description, name
        assert not field.is_required(), name
    assert options.parse(options().model_dump()) == options()


def test_recipes_stay_small() -> None:
    assert len(Recipe.model_fields) <= 21
    for recipe in (row.recipe for row in SYSTEMS.values()):
        assert len(recipe.model_fields) - len(Recipe.model_fields) <= 23
        assert not set(recipe.model_fields) & set(Machine.model_fields)


def test_a_recipe_cannot_be_changed() -> None:
    recipe = SupervisedRecipe()
    with pytest.raises(ValidationError):
        recipe.epochs = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    "values",
    [
        {"epochs": 0},
        {"learning_rate": 0},
        {"learning_rate": float("nan")},
        {"dropout": 1},
        {"momentum": 1},
        {"validation": 1},
        {"test": -0.1},
        {"strength": -1},
        {"seed": -1},
        {"seed": 2**31},
        {"optimizer": "rmsprop"},
        {"hidden": "12,many"},
        {"budget": "0s"},
        {"patience": 0},
    ],
)
def test_values_out_of_range_are_named(values: dict[str, object]) -> None:
    (key,) = values
    with pytest.raises(GlassworkError, match=f"(?i){key}.* does not fit"):
        SupervisedRecipe.parse(values)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_a_recipe(preset: str) -> None:
    made = make_request(preset, {})
    assert (made.recipe.data, dict(made.asked)) == (PRESETS[preset].data, {})
    assert PRESETS[preset].sentence


def test_a_preset_s_weight_decay_goes_with_its_optimizer() -> None:
    assert make_request("forecast", {}).recipe.weight_decay > 0
    assert make_request("forecast", {"optimizer": "sgd"}).recipe.weight_decay == 0
    assert make_request("forecast", {"optimizer": "sgd", "weight_decay": 0.1}).recipe.weight_decay == 0.1


def test_a_budget_takes_the_place_of_epochs() -> None:
    assert make_request("lenet", {"budget": "2m"}).recipe.epochs is None
    assert make_request("lenet", {"budget": "2m", "epochs": 3}).recipe.epochs == 3
    assert make_request("lenet", {}).recipe.epochs == 20


def test_what_is_absent_is_completed_and_nothing_else() -> None:
    recipe = SupervisedRecipe.parse({"batch_size": 7, "strength": 0})
    done = recipe.completed({"epochs": 9, "batch_size": 64, "learning_rate": 0.5, "strength": 0.25})
    assert (done.epochs, done.batch_size, done.learning_rate, done.strength) == (9, 7, 0.5, 0.0)
    assert SupervisedRecipe.parse({"budget": "2m"}).completed({"epochs": 9}).epochs is None
    assert SupervisedRecipe().completed({"epochs": 9}).strength == 0


@pytest.mark.parametrize(("kind", "strength"), [("none", 0), ("l1", 1e-4), ("l2", 1e-4), ("max-norm", 3)])
def test_a_penalty_has_a_usual_strength(kind: str, strength: float) -> None:
    recipe = SupervisedRecipe.parse({"penalty": kind})
    assert recipe.completed({"epochs": 9}).strength == strength
    assert recipe.completed({"epochs": 9, "strength": 0.5}).strength == 0.5
    assert SupervisedRecipe.parse({"penalty": kind, "strength": 0.7}).completed({"epochs": 9}).strength == 0.7


def test_a_maximum_length_is_above_zero() -> None:
    with pytest.raises(GlassworkError, match="maximum length"):
        SupervisedRecipe.parse({"penalty": "max-norm", "strength": 0})


recipes = some.builds(
    SupervisedRecipe,
    data=some.none() | some.text(),
    seed=some.integers(0, 2**31 - 1),
    epochs=some.none() | some.integers(1, 10**6),
    budget=some.none() | some.floats(1e-6, 1e9),
    learning_rate=some.none() | some.floats(1e-300, 1e300),
    strength=some.floats(0, 1e30),
    hidden=some.lists(some.integers(1, 10**6), max_size=4).map(tuple),
    augment=some.lists(some.text(min_size=1), max_size=3).map(tuple),
    target=some.none() | some.text(),
    strict=some.booleans(),
    class_weights=some.sampled_from(["none", "balanced"]),
)


@given(recipe=recipes)
def test_what_is_printed_is_read_back(recipe: SupervisedRecipe) -> None:
    table = parse_toml(written_out("mlp", "a sentence", recipe))
    assert table.pop("preset") == "mlp"
    assert SupervisedRecipe.parse(table) == recipe
