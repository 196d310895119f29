"""The recipe of approximating a function of x by a few units."""

from pydantic import Field

from glasswork.recipe.base import Activation, Loss, Numbers, Recipe
from glasswork.recipe.preset import Preset


class FunctionRecipe(Recipe):
    """A dense network that learns a function from sampled points; or numbers or classes from a table."""

    expression: str = Field("sin(x)", description='the function of x, such as "sin(x) + 0.3 * x"')
    low: float = Field(-4.0, description="the smallest x")
    high: float = Field(4.0, description="the largest x")
    noise: float = Field(
        0.0, ge=0, description="standard deviation of the noise added to the training targets, not to the test targets"
    )
    hidden: Numbers = Field((5,), description="sizes of the hidden layers, such as 5 or 8,8")
    activation: Activation = Field("tanh", description="activation function h of the hidden units")
    target: str | None = Field(None, description="the column to predict, if you give a table")
    loss: Loss | None = Field(
        None,
        description="cross-entropy, hinge, binary-cross-entropy, squared-error, or your own as file.py:function; None: "
        "chosen from the target",
    )
    strict: bool = Field(False, description="stop at an unreadable input instead of skipping it with a message")


FUNCTION = {"epochs": 2000, "batch_size": 128, "learning_rate": 0.1, "validation": 0.0}

PRESETS = (
    Preset(
        "function",
        "function",
        FUNCTION,
        "expression",
        "a few tanh units that approximate any function, given by --expression (Kovashka)",
    ),
)
