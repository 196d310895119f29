"""What classifier and regressor have in common: arrays to examples, parameters to a recipe, fit, outputs, pickling."""

import abc
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor, nn
from typing_extensions import override

from glasswork.catalogue import make_system, preset
from glasswork.data.batches import Scaling
from glasswork.data.dataset import Dataset
from glasswork.data.formats.raw_arrays import images_of
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.kind import Inputs, Target
from glasswork.data.kinds.table import Table
from glasswork.data.kinds.task import Task
from glasswork.data.splits import Splits, split
from glasswork.errors import GlassworkError
from glasswork.execution import Execution, choose_device
from glasswork.recipe.base import Machine
from glasswork.run.in_memory import fit_in_memory
from glasswork.run.request import Request, make_request
from glasswork.systems.supervised.recipe import SupervisedRecipe

Array = npt.NDArray[Any]

CHUNK = 1024
LIMIT = 5.0
"""So many deviations from the mean is the farthest that a scaled input lies; what is farther out is taken there.

A network of pieces of planes goes on straight where it saw nothing: a mistyped cell 48 deviations out among 20,000
diamonds brought R2 from 0.976 to 0.906 by itself.
"""
IMAGES = "lenet"
"""The preset that takes images; the others take rows of numbers."""
LARGE = 2000
"""From so many rows on there is a second hidden layer, and a tenth of the rows is spared to choose the best epoch."""

STEPS = 200
"""At least as many updates are made."""
NOT_OF_THE_RECIPE = ("preset", "random_state", "device")


@dataclass(kw_only=True, eq=False, repr=False)
class Network(BaseEstimator, abc.ABC):  # type: ignore[misc]
    """Abstract: a network fitted to arrays. What the final classes add is how targets and answers read."""

    preset: str | None = None
    hidden: tuple[int, ...] | None = None
    activation: str | None = None
    dropout: float | None = None
    epochs: int | None = None
    batch_size: int | None = None
    optimizer: str | None = None
    learning_rate: float | None = None
    momentum: float | None = None
    weight_decay: float | None = None
    schedule: str | None = None
    penalty: str | None = None
    strength: float | None = None
    gradient_clip: float | None = None
    validation: float | None = None
    patience: int | None = None
    random_state: Any = None
    device: str = "cpu"

    _numbers: ClassVar[bool] = False

    def _recipe(self, rows: int) -> SupervisedRecipe:
        """The recipe that the parameters make; what is None is the preset's, without a preset what suits a table."""
        parameters = {key: _plain(value) for key, value in self.get_params(deep=False).items()}
        asked = {k: v for k, v in parameters.items() if k not in NOT_OF_THE_RECIPE and v is not None}
        asked["seed"] = self._seed()
        if parameters["preset"] is None:
            return SupervisedRecipe.parse({**tabular(rows, self._numbers, SupervisedRecipe.parse(asked)), **asked})
        if preset(parameters["preset"]).system != "supervised":
            raise GlassworkError(
                f"The preset {parameters['preset']} has its own training algorithm: use linear, mlp, lenet"
            )
        recipe = make_request(parameters["preset"], asked).recipe
        assert isinstance(recipe, SupervisedRecipe)
        return recipe

    def _seed(self) -> int:
        """The recipe's seed: `random_state` where that is a whole number, else drawn from it."""
        state = self.random_state
        if isinstance(state, Integral) and not isinstance(state, bool):
            return int(state)
        return int(check_random_state(state).randint(2**31 - 1))

    @property
    def _takes_images(self) -> bool:
        return bool(self.preset == IMAGES)

    def _validate(self, X: Any, **options: Any) -> Any:  # noqa: N803
        """`X`, and `y` where it is among the options, as scikit-learn checks them; float64 rows, or images as given."""
        kind = {"dtype": "numeric", "allow_nd": True} if self._takes_images else {"dtype": np.float64}
        return validate_data(self, X, reset="y" in options, **kind, **options)

    def _fit(self, X: Array, targets: Array, target: Target) -> None:  # noqa: N803
        """Fits a network to examples whose targets are of a kind, in raw units."""
        with as_value_errors():
            recipe = self._recipe(len(X))
            inputs = as_tensor(_images(X) if self._takes_images else X)
            kind: Inputs = Table((inputs.shape[1],))
            if self._takes_images:
                channels, height, width = inputs.shape[1:]
                kind = Images((channels, height, width))
            dataset = Dataset({"inputs": inputs, "targets": as_tensor(targets)}, Task(kind, target), "the data")
            splits = split(dataset, recipe.validation, 0.0, recipe.seed)
            dataset, raw = self._scale(dataset, splits)
            execution = Execution(choose_device(self.device))
            request = Request(self.preset or "mlp", recipe, {}, Machine.parse({}))
            fitted = fit_in_memory(request, dataset, splits, execution)
        self.network_ = fitted.network.to("cpu")
        if not self._takes_images:  # in float64 the last digits of an answer do not depend on the rows asked with it
            self.network_.double()
        self.task_ = fitted.dataset.task if self._takes_images else raw
        self.recipe_ = {key: value for key, value in fitted.system.recipe.model_dump().items() if value is not None}
        self.loss_curve_ = list(fitted.losses)
        self.validation_curve_ = [figures["loss"] for figures in fitted.judgements]
        self.n_iter_ = len(fitted.losses)
        self.best_epoch_ = fitted.best_epoch

    def _outputs(self, X: Any) -> Array:  # noqa: N803
        """The network's outputs for new inputs, float64, (examples, outputs), as it was trained to give them."""
        check_is_fitted(self)
        given = self._validate(X)
        task = self.task_
        with as_value_errors():
            images = as_tensor(_images(given)) if self._takes_images else None
            if images is not None and tuple(images.shape[1:]) != task.inputs.shape:
                raise GlassworkError(
                    f"X holds images of shape {tuple(images.shape[1:])}, not {task.inputs.shape} as in fit"
                )
        parts = []
        with torch.inference_mode():
            for start in range(0, len(given), CHUNK):
                if images is not None:
                    inputs = Scaling(task, Execution()).inputs(images[start : start + CHUNK])
                else:
                    inputs = _limit(as_tensor(given[start : start + CHUNK]), *_scaling(Table.of(task)))
                parts.append(self.network_(inputs).double().numpy())
        outputs: Array = np.concatenate(parts)
        return outputs

    def _scale(self, dataset: Dataset, splits: Splits) -> tuple[Dataset, Task]:
        """Rows, and numbers to predict, of mean 0 and deviation 1 over the training rows; and the task that says so.

        In float64, before float32 comes in: a column such as a time in seconds differs in its last digits only. Images
        are left to the system.

        Returns:
            The examples under a task by which nothing is scaled any more, and the task from raw units.
        """
        task = dataset.task
        if self._takes_images:
            return dataset, task
        columns, inputs = dict(dataset.columns), Table.of(task)
        mean, deviation = moments(columns["inputs"][splits.training])
        columns["inputs"] = _limit(columns["inputs"], mean, deviation).float()
        raw = replace(inputs, mean=tuple(mean.tolist()), deviation=tuple(deviation.tolist()))
        plain = replace(inputs, mean=(0.0,) * len(mean), deviation=(1.0,) * len(mean))
        columns["targets"], target = self._standardise(columns["targets"], splits.training, task.target)
        return replace(dataset, columns=columns, task=Task(plain, task.target)), Task(raw, target)

    def _standardise(self, targets: Tensor, training: Tensor, target: Target) -> tuple[Tensor, Target]:
        """What is learned of targets in raw units, and the kind that leads back to them; here: as they are."""
        return targets, target

    @override
    def __getstate__(self) -> dict[str, Any]:
        """The state as numpy arrays and plain Python types: nothing of torch is needed to read it."""
        state = dict(super().__getstate__())
        if "network_" in state:
            weights = state.pop("network_").state_dict()
            state["weights"] = {name: tensor.numpy() for name, tensor in weights.items()}
            state["task_"] = self.task_.to_json()
        return state

    @override
    def __setstate__(self, state: Mapping[str, Any]) -> None:
        state = dict(state)
        weights = state.pop("weights", None)
        if weights is not None:
            state["task_"] = Task.from_json(state["task_"])
            state["network_"] = _make(state["task_"], state["recipe_"], weights, double=state["preset"] != IMAGES)
        super().__setstate__(state)


@contextmanager
def as_value_errors() -> Iterator[None]:
    """Inside, a `GlassworkError` becomes the `ValueError` that scikit-learn's users expect, with the same sentence."""
    try:
        yield
    except GlassworkError as error:
        raise ValueError(str(error)) from error


def _make(task: Task, recipe: Mapping[str, Any], weights: Mapping[str, Array], *, double: bool) -> nn.Module:
    """The network of a recipe with given weights."""
    with torch.random.fork_rng(devices=[]):
        network = make_system("supervised", SupervisedRecipe.parse(recipe)).network(task)
    if double:
        network.double()
    network.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in weights.items()})
    return network.eval()


def _plain(value: Any) -> Any:
    """A parameter as the recipe takes it: numpy's numbers, arrays and lists as Python's numbers and tuples."""
    if isinstance(value, (np.generic, np.ndarray)):
        value = value.tolist()
    return tuple(value) if isinstance(value, list) else value


def as_tensor(array: Array) -> Tensor:
    """The array's own memory as a tensor; a copy where it may not be written to."""
    return torch.from_numpy(np.require(array, requirements=["C", "W"]))


def _images(X: Array) -> Array:  # noqa: N803
    """uint8 images (rows, channels, height, width)."""
    if X.ndim < 3:
        raise GlassworkError(
            f"X has the shape {X.shape}, and this preset takes images: (images, height, width), with channels before "
            "or after these two"
        )
    if X.dtype != np.uint8 and (X.min() < 0 or X.max() > 1):
        raise GlassworkError(f"X holds images from {X.min():g} to {X.max():g}: give whole numbers uint8, or 0 to 1")
    return images_of(X, "X")


def _scaling(kind: Table) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each feature, float64."""
    return torch.tensor(kind.mean, dtype=torch.float64), torch.tensor(kind.deviation, dtype=torch.float64)


def _limit(inputs: Tensor, mean: Tensor, deviation: Tensor) -> Tensor:
    return ((inputs - mean) / deviation).clamp(-LIMIT, LIMIT)


def moments(column: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each column; 1 for one that is constant."""
    mean, deviation = column.mean(0), column.std(0, correction=0)
    spread = deviation > 1e-12 * mean.abs().clamp_min(1e-30)  # what is less is rounding: a constant column
    return mean, torch.where(spread, deviation, 1.0)


def tabular(rows: int, numbers: bool, asked: SupervisedRecipe) -> dict[str, Any]:
    """Fields of a recipe for a table, where the user does not say.

    Weights shrink the more (AdamW) the fewer rows there are: with a few hundred it is that, and not stopping early on a
    handful of held-out rows, that keeps a wide layer from over-training. Numbers are noisier than classes and get more.
    Classes are smoothed a little, which keeps the largest weights from growing on rows that are right already.

    Args:
        rows: of the table.
        numbers: whether numbers are predicted, not classes.
        asked: a recipe of nothing but what the user says.
    """
    batch = asked.batch_size or (128 if rows > 8000 else 64 if rows > 1000 else 32)
    steps = math.ceil(rows / batch)
    epochs = max(50, math.ceil(STEPS / steps)) if rows < LARGE else max(10, min(40, round(4000 / math.sqrt(rows))))
    adamw = asked.optimizer == "adamw"
    smoothed = not numbers and asked.loss not in {"hinge", "squared-error"}
    return {
        "network": "dense",
        "hidden": (256, 128) if rows >= LARGE else (256,),
        "epochs": epochs,
        "validation": 0.1 if rows >= LARGE else 0.0,
        "weight_decay": min(3.0, (6000 if numbers else 1000) / rows) if adamw else 0.0,
        "label_smoothing": 0.05 if smoothed else 0.0,
    }
