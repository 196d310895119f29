"""The recipe fields that every system shares, and the machine a recipe runs on."""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from glasswork.errors import GlassworkError
from glasswork.recipe.search import Choices, Range

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}

USUAL_STRENGTHS = {"none": 0.0, "l1": 1e-4, "l2": 1e-4, "max-norm": 3.0}
"""Default strength of each penalty, unless the data suggests another; max-norm as in Srivastava et al. (2014)."""


def seconds(value: object) -> object:
    """Seconds from a number or from words such as `90`, `90s`, `2m`, `1h30m`."""
    if not isinstance(value, str):
        return value
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*([smh]?)", value)
    if not parts or re.sub(r"(\d+(?:\.\d+)?)\s*([smh]?)\s*", "", value):
        raise ValueError("expected a time such as 90s, 2m or 1h30m")
    return sum(float(number) * _SECONDS[unit or "s"] for number, unit in parts)


def words(value: object) -> object:
    """A tuple from a comma-separated string or from one number; anything else unchanged."""
    if isinstance(value, int) and not isinstance(value, bool):
        return (value,)
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def repeated(value: object) -> object:
    """A tuple from one word, which may hold any character, or from several; numbers as they are written."""
    several = value if isinstance(value, list | tuple) else (value,)
    return tuple(str(each) if isinstance(each, int | float) else each for each in several)


@dataclass(frozen=True)
class Repeatable:
    """Marks a field whose flag may be given several times, with one word each.

    Attributes:
        metavar: what stands for the word in the help.
    """

    metavar: str


Repeated = Annotated[tuple[str, ...], BeforeValidator(repeated)]
Seconds = Annotated[float, BeforeValidator(seconds)]
Words = Annotated[tuple[str, ...], BeforeValidator(words)]
Numbers = Annotated[tuple[int, ...], BeforeValidator(words)]
PixelRange = Annotated[tuple[float, float] | None, BeforeValidator(words)]


RENAMED = {
    "held_out": "held_out_classes",
    "least": "min_count",
    "longest": "max_length",
    "lower_rate": "finetune_rate",
    "members": "ensemble_size",
    "select": "select_by",
    "sequence": "bptt_length",
    "units": "hidden_size",
    "way": "mode",
}
"""Recipe keys of earlier versions, with their names now."""


def refuse_unknown(keys: Iterable[str], known: Iterable[str]) -> None:
    """Refuses unknown keys, and suggests the nearest known one.

    Raises:
        GlassworkError: naming the key.
    """
    names = list(known)
    for key in keys:
        if key not in names:
            if RENAMED.get(key) in names:
                raise GlassworkError(f"The recipe key '{key}' is now called '{RENAMED[key]}': rename it")
            near = difflib.get_close_matches(key, names, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"the keys are {', '.join(names)}"
            raise GlassworkError(f"There is no recipe key '{key}': {hint}")


class Options(BaseModel):
    """A flat, frozen set of described fields; an unknown key is an error that names the nearest one."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Self:
        """The options with `values` over the defaults.

        Raises:
            GlassworkError: for an unknown key or a value that does not fit, in one sentence.
        """
        refuse_unknown(values, cls.model_fields)
        try:
            return cls(**values)
        except ValidationError as error:
            first = error.errors()[0]
            key = str(first["loc"][0])
            reason = str(first["msg"]).removeprefix("Value error, ")
            raise GlassworkError(f"{key} = {first['input']!r} does not fit: {reason[:1].lower()}{reason[1:]}") from None

    def asked(self) -> dict[str, Any]:
        """The fields that were set and are not None."""
        return {
            key: value for key, value in self.model_dump().items() if key in self.model_fields_set and value is not None
        }


class ProcessRecipe(Options):
    """The recipe fields of every process; all that one without a data set shares with others."""

    data: str | None = Field(None, description="the data: a path, or the name of a built-in data set")
    seed: int = Field(0, ge=0, lt=2**31, description="random seed")
    budget: Seconds | None = Field(
        None, gt=0, description="time for the whole command, such as 90s or 2m; the schedule is fitted to it"
    )


class Recipe(ProcessRecipe):
    """What is minimised, over which data and how: minimise mean loss + strength x penalty over the weights.

    None: chosen from the data when the run starts; `resolved.toml` holds the value that was used.
    """

    epochs: int | None = Field(None, ge=1, description="maximum number of passes over the training examples")
    batch_size: Annotated[int | None, Choices((16, 32, 64, 128, 256))] = Field(
        None, ge=1, description="examples per step (Kovashka: mini-batch)"
    )
    optimizer: Literal["sgd", "momentum", "adam", "adamw"] = Field(
        "adamw", description="the rule that turns gradients into updates"
    )
    learning_rate: Annotated[float | None, Range(1e-4, 0.3, log=True)] = Field(
        None, gt=0, description="learning rate (eta); with a schedule, its peak"
    )
    momentum: Annotated[float, Range(0.8, 0.98, only=("optimizer", ("momentum", "adam", "adamw")))] = Field(
        0.9, ge=0, lt=1, description="fraction of the last update that is kept, for momentum and Adam"
    )
    weight_decay: Annotated[float, Range(1e-4, 1.0, log=True, only=("optimizer", ("adamw",)))] = Field(
        0.0, ge=0, description="AdamW's decoupled weight decay per step; not the lecture's L2 penalty"
    )
    schedule: Literal["one-cycle", "cosine", "step", "constant"] = Field(
        "one-cycle", description="how the learning rate changes during the run"
    )
    penalty: Literal["none", "l1", "l2", "max-norm"] = Field(
        "none",
        description="R(W) added to the loss: the sum of |w| or of w squared, without biases; max-norm adds nothing, "
        "but limits the length of each unit's weight vector to `strength` after every update",
    )
    strength: Annotated[
        float | None,
        Range(1e-6, 0.1, log=True, only=("penalty", ("l1", "l2"))),
        Range(0.3, 10.0, log=True, only=("penalty", ("max-norm",))),
    ] = Field(
        None,
        ge=0,
        description="penalty weight lambda; for max-norm the maximum length of a weight vector; None: 3 "
        "for max-norm, else 0.0001; for images and tables less with more examples or fewer inputs",
    )
    gradient_clip: float | None = Field(None, gt=0, description="clip the gradient to this norm")
    validation: float = Field(
        0.1, ge=0, lt=1, description="fraction of the training examples held out to decide when to stop"
    )
    test: float = Field(
        0.2, ge=0, lt=1, description="fraction held out for the final score if the data has no test set"
    )
    splits: Literal["names", "ignore"] = Field(
        "names",
        description="use or ignore the splits that folders, files or a column give by their names (train, dev, test)",
    )
    encoding: str | None = Field(
        None, description="encoding of text files and tables, such as windows-1252; None: found for each data set"
    )
    column: Annotated[Repeated, Repeatable("NAME=KIND")] = Field(
        (),
        description="what a column of a table holds: NAME=number, category, text, date, identifier or drop; repeatable",
    )
    missing: Annotated[Repeated, Repeatable("[NAME=]VALUES")] = Field(
        (),
        description="values of a table that stand for missing ones, such as -999,9999, or NAME=0 for one column; "
        "repeatable",
    )
    target_kind: Literal["class", "number", "labels"] | None = Field(
        None, description="what the target is; None: chosen from its values"
    )
    patience: int | None = Field(None, ge=1, description="stop after this many epochs without a lower validation loss")

    def completed(self, usual: Mapping[str, object]) -> Self:
        """The recipe with fields that are None replaced by their usual values.

        Args:
            usual: fields by name. `epochs` counts only without a budget; a penalty without a strength has a usual one.
        """
        values = {"strength": USUAL_STRENGTHS[self.penalty], **usual}
        if self.budget:
            values.pop("epochs", None)
        return self.model_copy(update={key: value for key, value in values.items() if getattr(self, key) is None})

    @field_validator("strength")
    @classmethod
    def _length_above_zero(cls, value: float | None, others: ValidationInfo) -> float | None:
        if others.data.get("penalty") == "max-norm" and value == 0:
            raise ValueError(
                "max-norm needs the maximum length of a unit's weight vector: add, for example, --strength 3"
            )
        return value


class Machine(Options):
    """Where and how a recipe runs; never changes what is minimised."""

    out: str | None = Field(None, description="folder for the run; None: a new one under runs/")
    device: str = Field("auto", description="cpu, cuda, cuda:1 or mps; auto: the fastest available")
    threads: int | None = Field(None, ge=1, description="number of CPU threads; None: all available cores")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto",
        description="precision of the forward pass; auto: whichever is clearly faster in a few steps, measured once",
    )
    memory_format: Literal["auto", "contiguous", "channels-last"] = Field(
        "auto",
        description="memory layout of image tensors; auto: whichever is clearly faster in a few steps, measured once",
    )
    allocator: Literal["auto", "default", "keep"] = Field(
        "auto",
        description="whether the C library keeps freed memory; auto: whichever is faster in a few steps, measured once",
    )
    measure: bool = Field(
        False,
        description="measure again what was measured for this network on this machine, and keep what is found",
    )
    replay: str | None = Field(
        None, description="a run with a time budget to repeat exactly, with its recorded progress and arithmetic"
    )
    tensorboard: bool = Field(False, description="also write TensorBoard events (needs glasswork[watch])")


def _changes(value: object) -> object:
    return () if value == "none" else words(value)


Changes = Annotated[tuple[str, ...], BeforeValidator(_changes)]
"""How images are augmented; `none` turns augmentation off where None means automatic."""

Loss = (
    Literal["cross-entropy", "hinge", "binary-cross-entropy", "squared-error"]
    | Annotated[str, StringConstraints(pattern=r"^.+:\w+$")]
)
"""A loss by its name, or `file.py:function` for one of the user's own."""

Activation = Literal["identity", "threshold", "sigmoid", "tanh", "relu", "leaky-relu", "elu", "maxout"]
