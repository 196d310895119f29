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
            raise ValueError(f"the online rule {reason}: leave it out, or use glasswork train mlp")
        return value

    return AfterValidator(check)


class OnlineRecipe(Recipe):
    """Numbers from 0 to 1, or classes, from the columns of a table, by the algorithm on Kovashka's slide.

    Fields of the base recipe that would change the algorithm accept a single value.
    """

    learning_rate: Annotated[float | None, Range(0.05, 5.0, log=True)] = Field(
        None, gt=0, description="learning rate (eta)"
    )
    batch_size: Annotated[int | None, _only(1, "updates the weights after every single example")] = Field(
        1, description="always 1: the weights are updated after every example"
    )
    optimizer: Literal["sgd"] = Field("sgd", description="always the rule w = w - eta dE/dw")
    momentum: Annotated[float, _only(0, "keeps nothing of the last update")] = Field(
        0.0, description="always 0: no momentum"
    )
    weight_decay: Annotated[float, _only(0, "does not shrink the weights")] = Field(
        0.0, description="always 0: no weight decay"
    )
    schedule: Literal["constant"] = Field("constant", description="always constant: eta stays the same")
    penalty: Literal["none"] = Field("none", description="always none: nothing is added to the error")
    strength: Annotated[float, _only(0, "has no penalty")] = Field(0.0, description="always 0: there is no penalty")
    gradient_clip: Annotated[float | None, _only(None, "takes every gradient as it is")] = Field(
        None, description="always None: gradients are not clipped"
    )
    loss: Literal["squared-error"] = Field("squared-error", description="always E_n = 1/2 sum_k (y_k - t_k)^2")
    hidden: Annotated[int, Range(2, 32, log=True, whole=True)] = Field(2, ge=1, description="number of hidden units")
    initial_range: Annotated[float, Range(0.1, 2.0, log=True)] = Field(
        0.5, gt=0, description="initial weights are drawn uniformly from minus this value to this value"
    )
    tolerance: float = Field(
        0.1, gt=0, lt=1, description="converged if every output of every example is closer than this to its target"
    )
    order: Literal["given", "shuffled"] = Field(
        "given", description="given: in the order of the data; shuffled: in a new random order in every epoch"
    )
    scaling: Literal["none", "standard"] | None = Field(
        None,
        description="none: inputs as they are; standard: mean 0, deviation 1; None: none if all lie in -1 to 1",
    )
    target: str | None = Field(None, description="the column to predict; separate several by commas")
    strict: bool = Field(False, description="stop at an unreadable input instead of skipping it with a message")


XOR = {"epochs": 10_000, "learning_rate": 2.0, "validation": 0.0, "test": 0.0}

PRESETS = (Preset("xor", "online", XOR, "xor", "sigmoid units, squared error, one example at a time (Kovashka)"),)
