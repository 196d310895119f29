"""The recipe of the online delta rule: a two-layer sigmoid network, squared error, one example at a time."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from glasswork.recipe.base import Recipe
from glasswork.recipe.preset import Preset
from glasswork.recipe.search import Range


def _only(fixed: object, reason: str) -> AfterValidator:
    """Refuses every value but one, with the reason."""

    def check(value: Any) -> Any:
        if value != fixed:
            raise ValueError(f"the online rule {reason}: leave it away, or use glasswork train mlp")
        return value

    return AfterValidator(check)


class OnlineRecipe(Recipe):
    """Numbers from 0 to 1, or classes, from the columns of a table, by the algorithm on Kovashka's slide.

    Fields of the base recipe that would make another algorithm of it have one value left.
    """

    learning_rate: Annotated[float | None, Range(0.05, 5.0, log=True)] = Field(
        None, gt=0, description="size of a step (eta)"
    )
    batch_size: Annotated[int | None, _only(1, "updates the weights after every single example")] = Field(
        1, description="1: the weights are updated after every example"
    )
    optimizer: Literal["sgd"] = Field("sgd", description="the rule is w = w - eta dE/dw and no other")
    momentum: Annotated[float, _only(0, "keeps nothing of the last update")] = Field(
        0.0, description="0: nothing of the last update is kept"
    )
    weight_decay: Annotated[float, _only(0, "does not shrink the weights")] = Field(
        0.0, description="0: the weights are not shrunk"
    )
    schedule: Literal["constant"] = Field("constant", description="eta stays the same")
    penalty: Literal["none"] = Field("none", description="nothing is added to the error")
    strength: Annotated[float, _only(0, "has no penalty")] = Field(0.0, description="0: there is no penalty")
    gradient_clip: Annotated[float | None, _only(None, "takes every gradient as it is")] = Field(
        None, description="absent: every gradient is taken as it is"
    )
    loss: Literal["squared-error"] = Field("squared-error", description="E_n = 1/2 sum_k (y_k - t_k)^2 and no other")
    hidden: Annotated[int, Range(2, 32, log=True, whole=True)] = Field(2, ge=1, description="units of the hidden layer")
    initial_range: Annotated[float, Range(0.1, 2.0, log=True)] = Field(
        0.5, gt=0, description="the first weights are drawn evenly from minus this to this (small random values)"
    )
    tolerance: float = Field(
        0.1, gt=0, lt=1, description="converged: every output is nearer than this to its target, for every example"
    )
    order: Literal["given", "shuffled"] = Field(
        "given", description="given: each epoch takes the examples as they stand; shuffled: drawn from seed and epoch"
    )
    scaling: Literal["none", "standard"] | None = Field(
        None,
        description="none: inputs as they are; standard: mean 0, deviation 1; absent: none where all lie in -1 to 1",
    )
    target: str | None = Field(None, description="the column to predict; several, separated by commas")
    strict: bool = Field(False, description="refuse data with an unreadable input rather than skip and name it")


XOR = {"epochs": 10_000, "learning_rate": 2.0, "validation": 0.0, "test": 0.0}

PRESETS = (Preset("xor", "online", XOR, "xor", "sigmoid units, squared error, one example at a time (Kovashka)"),)
