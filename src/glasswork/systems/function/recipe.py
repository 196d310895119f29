"""The recipe of approximating a function of x by a few units."""

from typing import Literal

from pydantic import Field

from glasswork.recipe.base import Activation, Numbers, Recipe
from glasswork.recipe.preset import Preset


class FunctionRecipe(Recipe):
    """A dense network that learns a function from points of it; or numbers or classes out of a table of your own."""

    expression: str = Field("sin(x)", description='the function of x, such as "sin(x) + 0.3 * x"')
    low: float = Field(-4.0, description="where the interval of x begins")
    high: float = Field(4.0, description="where it ends")
    noise: float = Field(
        0.0, ge=0, description="standard deviation of what is added to the training targets; never to those of the test"
    )
    hidden: Numbers = Field((5,), description="units of each hidden layer, such as 5 or 8,8")
    activation: Activation = Field("tanh", description="h, the nonlinearity of the hidden units")
    target: str | None = Field(None, description="of a table of your own: the column to predict")
    loss: Literal["cross-entropy", "hinge", "binary-cross-entropy", "squared-error"] | None = Field(
        None, description="what is minimised; absent: what fits the target, which for numbers is squared-error"
    )
    strict: bool = Field(False, description="refuse data with an unreadable input rather than skip and name it")


FUNCTION = {"epochs": 2000, "batch_size": 128, "learning_rate": 0.1, "validation": 0.0}

PRESETS = (
    Preset(
        "function",
        "function",
        FUNCTION,
        "expression",
        "a few tanh units that approximate any function: --expression (Kovashka)",
    ),
)
