"""Compares runs: where their recipes differ, and their results."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from glasswork.catalogue import recipe_of
from glasswork.errors import GlassworkError
from glasswork.run.folder import RunFolder


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
        problem: why its files cannot be read; empty if they can.
    """

    run: str
    finished: bool
    differing: Mapping[str, Any]
    test: Mapping[str, float]
    validation: Mapping[str, float]
    best_epoch: int | None
    epochs: int
    seconds: float
    problem: str = ""

    def to_json(self) -> dict[str, Any]:
        """The same as plain JSON types."""
        fields = asdict(self)
        if not self.problem:
            del fields["problem"]
        return fields


def compare(words: Sequence[str]) -> list[ComparedRun]:
    """Compares the runs at some paths or names, in that order.

    Raises:
        GlassworkError: for fewer than two runs, or a word that is no run.
    """
    if len(words) < 2:
        raise GlassworkError("Compare needs at least two runs: glasswork runs lists them")
    folders = [RunFolder.find(word) for word in words]
    read = [_read(folder) for folder in folders]
    recipes = [recipe for recipe, _, problem in read if not problem]
    keys = list(dict.fromkeys(key for recipe in recipes for key in recipe))
    differing = [key for key in keys if any(recipe.get(key) != recipes[0].get(key) for recipe in recipes)]
    return [
        _compare(folder.name, {key: recipe.get(key) for key in differing}, result, problem)
        for folder, (recipe, result, problem) in zip(folders, read, strict=True)
    ]


def _read(folder: RunFolder) -> tuple[dict[str, Any], dict[str, Any] | None, str]:
    """The recipe of a run, its result if it is finished, and why they cannot be read."""
    try:
        return _recipe(folder), folder.read_result(), ""
    except GlassworkError as error:
        return {}, None, str(error)


def _recipe(folder: RunFolder) -> dict[str, Any]:
    order = folder.read_request()
    fields = recipe_of(order.preset).model_fields
    used = folder.read_used_recipe()
    return {"preset": order.preset, **{key: value for key, value in used.items() if key in fields}}


def _compare(run: str, differing: Mapping[str, Any], result: Mapping[str, Any] | None, problem: str) -> ComparedRun:
    if result is None:
        return ComparedRun(run, False, differing, {}, {}, None, 0, 0.0, problem)
    figures = (result["test"], result["validation"], result["best_epoch"], result["epochs"], result["seconds"])
    return ComparedRun(run, True, differing, *figures)
