"""Compares runs: where their recipes differ, and their results."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from glasswork.catalogue import recipe_of
from glasswork.errors import GlassworkError
from glasswork.run.folder import RunFolder
from glasswork.run.request import read_toml


@dataclass(frozen=True)
class ComparedRun:
    """One run of a comparison.

    Attributes:
        run: its folder.
        finished: whether it has a result.
        differing: the fields of its recipe that are not the same in all runs compared.
        test: its figures on the test examples.
        validation: its figures on the validation examples, at the best epoch.
        best_epoch: after which epoch the model was kept.
        epochs: epochs made.
        seconds: seconds of training.
    """

    run: str
    finished: bool
    differing: Mapping[str, Any]
    test: Mapping[str, float]
    validation: Mapping[str, float]
    best_epoch: int | None
    epochs: int
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """The same as plain JSON types."""
        return asdict(self)


def compare(words: Sequence[str]) -> list[ComparedRun]:
    """Compares the runs at some paths or names, in that order.

    Raises:
        GlassworkError: for fewer than two runs, or a word that is no run.
    """
    if len(words) < 2:
        raise GlassworkError("Compare needs at least two runs: glasswork runs lists them")
    folders = [RunFolder.find(word) for word in words]
    recipes = [_recipe(folder) for folder in folders]
    keys = list(dict.fromkeys(key for recipe in recipes for key in recipe))
    differing = [key for key in keys if any(recipe.get(key) != recipes[0].get(key) for recipe in recipes)]
    return [
        _compare(folder, {k: recipe.get(k) for k in differing}) for folder, recipe in zip(folders, recipes, strict=True)
    ]


def _recipe(folder: RunFolder) -> dict[str, Any]:
    order = folder.read_request()
    if not (folder.path / "resolved.toml").is_file():
        return {"preset": order.preset, **order.recipe.model_dump()}
    table = read_toml(folder.path / "resolved.toml")
    fields = recipe_of(order.preset).model_fields
    return {"preset": order.preset, **{key: value for key, value in table.items() if key in fields}}


def _compare(folder: RunFolder, differing: Mapping[str, Any]) -> ComparedRun:
    result = folder.read("result.json")
    if result is None:
        return ComparedRun(folder.name, False, differing, {}, {}, None, 0, 0.0)
    return ComparedRun(
        folder.name,
        True,
        differing,
        result["test"],
        result["validation"],
        result["best_epoch"],
        result["epochs"],
        result["seconds"],
    )
