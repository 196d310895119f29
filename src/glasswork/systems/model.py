"""A model: what a run leaves. It reads inputs, answers, and is measured on new examples."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from glasswork.data.batches import Batch, Scaling
from glasswork.data.dataset import Dataset
from glasswork.data.encodings import reading_as
from glasswork.data.formats.splits import IGNORING
from glasswork.data.kinds.images import CHUNK
from glasswork.data.kinds.require import align
from glasswork.data.kinds.task import Task
from glasswork.data.listing import is_folder
from glasswork.data.prediction import Prediction
from glasswork.data.splits import Splits
from glasswork.errors import GlassworkError
from glasswork.execution import Execution
from glasswork.glassbox.attribution import grad_cam, integrated_gradients, saliency
from glasswork.glassbox.diagnose.diagnose import Diagnosis, diagnose
from glasswork.glassbox.diagnose.training import Training
from glasswork.glassbox.features.deconvolution import deconvolution
from glasswork.glassbox.features.features import feature_maps, feature_pictures
from glasswork.glassbox.features.top_activations import find_most_exciting, layer_features
from glasswork.glassbox.landscape import Landscape, landscape
from glasswork.glassbox.occlusion import occlusion
from glasswork.glassbox.trace.opening import open_network
from glasswork.glassbox.trace.trace import Trace
from glasswork.objectives.losses import OwnLoss
from glasswork.record import Record
from glasswork.systems.evaluation import measured_rows
from glasswork.systems.export import Exported, export, raw_inputs
from glasswork.systems.own_data import OwnData
from glasswork.systems.retrieval import Nearest, find_nearest
from glasswork.systems.system import System, read_split
from glasswork.training.stage import START

COMPARED_EXAMPLES, COMPARED_NUMBERS = 2048, 2**24
"""How much of the training examples a diagnosis compares with those held out: 64 MiB at the most."""


class Model:
    """A trained network with what is needed to read inputs and to word answers.

    Attributes:
        network: the network, in evaluation mode.
        task: what its inputs and outputs mean.
        system: the system that it was trained under, with the recipe that was used.
        run: the run's folder.
        own: the data that it was trained on; None: that is not known.
    """

    def __init__(
        self,
        network: nn.Module,
        task: Task,
        system: System,
        run: str,
        execution: Execution,
        own: OwnData | None = None,
    ) -> None:
        self.network = execution.place(network).eval()
        self.task = task
        self.system = system
        self.run = run
        self.execution = execution
        self.own = own

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the network's outputs."""
        return self.task.target.names

    def predict(self, sources: str | Path | Sequence[str | Path]) -> Prediction | list[Prediction]:
        """Answers for image files, folders of images, CSV files, Parquet files or texts.

        Args:
            sources: one path, or several; for a model of whole texts also a text in place of a path.

        Returns:
            One `Prediction` for the path of one image or for one text; a list for a folder, a table or several paths,
            in which an image that cannot be read has a `problem` instead of an answer.

        Raises:
            GlassworkError: for a missing or unreadable file.
        """
        several = not isinstance(sources, (str, Path))
        if sources == "" or (several and "" in sources):  # type: ignore[operator]
            raise GlassworkError(f"An input is empty: name {self.task.inputs.asked}")
        paths = [Path(source) for source in sources] if several else [Path(sources)]  # type: ignore[union-attr, arg-type]
        answers = self._answers(paths)
        if several or len(answers) != 1 or self.task.inputs.several or is_folder(paths[0]):
            return answers
        if answers[0].problem:
            raise GlassworkError(answers[0].problem)
        return answers[0]

    def _answers(self, paths: Sequence[Path]) -> list[Prediction]:
        answers: list[Prediction] = []
        with reading_as(self.system.recipe.encoding, fallback=True):
            for part in self.system.inputs(paths, self.task):
                known = len(part.dataset) > 0
                said = iter(self.system.predict(self.network, part.dataset, self.execution) if known else ())
                answers += [
                    Prediction(name, "", None, {}, part.problems[place]) if place in part.problems else next(said)
                    for place, name in enumerate(part.names)
                ]
        return answers

    def remarks(self, sources: Sequence[str | Path], answered: bool = False) -> tuple[str, ...]:
        """What in new inputs is not as in training: unknown categories or characters, empty or unused columns.

        Args:
            sources: as for `predict`.
            answered: whether they are examples with their answers, as for `evaluate`; then it is also said what of
                them was left out.

        Raises:
            GlassworkError: for a table or a text that cannot be read.
        """
        if not answered:
            with reading_as(self.system.recipe.encoding, fallback=True):
                found = self.task.inputs.unlike([Path(source) for source in sources])
            if found is not None:
                return found
        said = [sentence for source in sources for sentence in self.system.read(source, self.task).skipped]
        # All examples are evaluated, whatever split they are of.
        return tuple(sentence for sentence in said if not answered or IGNORING not in sentence)

    def inputs(self, sources: Sequence[str | Path]) -> Tensor:
        """What the network is given for image files or the rows of CSV files: float32, scaled, (examples, ...).

        Raises:
            GlassworkError: for a missing or unreadable file.
        """
        batches = self._batches([Path(source) for source in sources])
        return torch.cat([batch.inputs for batch in batches])

    def _batches(self, paths: Sequence[Path]) -> Iterator[Batch]:
        """What the network is given for new inputs, none of which may be unreadable; at least one batch."""
        for path in paths:
            if not self.task.inputs.written and not path.exists():
                raise GlassworkError(f"There is no file {path}")
        some = False
        for part in self.system.inputs(paths, self.task):
            if part.problems:
                raise GlassworkError(next(iter(part.problems.values())))
            if len(part.dataset):
                some = True
                yield self.system.batch(part.dataset, torch.arange(len(part.dataset)), self.execution)
        if not some:
            raise GlassworkError(f"{paths[0]} holds no rows: a table needs a header and then its rows")

    def open(self, source: str | Path, target: str | float | None = None, **options: Any) -> Trace:
        """Opens the network on one input: every operation forward, every error flowing back, in numbers.

        Args:
            source: an image file, or a CSV file whose first row is taken.
            target: what it should have answered: the name of a class, several with commas between, or a number in the
                target's own units; None: the model's own answer.
            options: as for `open_network`: `learning_rate`, `parts`.

        Raises:
            GlassworkError: for a missing or unreadable file, or a class that the model does not have.
        """
        batch = next(self._batches([Path(source)]))
        inputs, wanted = self.system.select_opened(self.network, batch, self.task, target)
        objective = self.system.objective(self.task)
        loss = objective.function or objective.name
        trace = open_network(self.network, inputs, target=wanted, loss=loss, **options)
        remarks = (*trace.remarks, *self.system.another_loss(self.task))
        named = trace.loss if isinstance(objective.function, OwnLoss) else objective.name
        return replace(trace, loss=named, remarks=remarks) if trace.loss else trace

    def features(self, inputs: Any, layer: str | None = None) -> npt.NDArray[np.float32]:
        """What one layer makes of inputs, for a classical classifier to learn from (Kovashka: "another option").

        Args:
            inputs: one path or several (image files, folders of images, CSV files); or numbers in raw units, as an
                array or tensor: images, uint8 or from 0 to 1, or rows of a table's features.
            layer: as `named_modules` calls it, such as `dense_2`; None: what goes into the last layer with weights.

        Returns:
            (examples, units); the maps of a layer are laid out in a row.

        Raises:
            GlassworkError: for a missing or unreadable file, inputs that do not fit, or an unknown layer.
        """
        self.task.inputs.require_features()
        sources = [inputs] if isinstance(inputs, (str, Path)) else inputs
        if len(sources) and isinstance(sources[0], (str, Path)):
            scaled = self.inputs(sources)
        else:
            raw = self.task.inputs.arrays(inputs).to(self.execution.device)
            scaled = Scaling(self.task, self.execution).inputs(raw)
        found: npt.NDArray[np.float32] = layer_features(self.network, scaled, layer).float().cpu().numpy()
        return found

    def feature_pictures(self, source: str | Path) -> tuple[Record, ...]:
        """What the network looks for: templates or first filters, and what each layer makes of one input.

        Of every convolution the map that the input excites most is followed back to the pixels (Zeiler and Fergus
        2013).

        Args:
            source: an image file, or a CSV file whose first row is taken.

        Raises:
            GlassworkError: for a missing or unreadable file.
        """
        self.task.inputs.require_features()
        return feature_pictures(self.network, self.inputs([source])[:1], self.task.inputs.shape)

    def unit(self, source: str | Path, layer: str, number: int, data: str | Path | None = None) -> tuple[Record, ...]:
        """What one unit looks for: the held-out examples that excite it most, and what drives it in one input.

        Args:
            source: an image file, or a CSV file whose first row is taken.
            layer: the unit's layer, such as `convolution_2`.
            number: of the unit or feature map, from 0.
            data: where the held-out examples are; None: in the run's own data.

        Raises:
            GlassworkError: for a missing file, layer or unit.
        """
        self.task.inputs.require_features()
        inputs = self.inputs([source])[:1]
        exciting = find_most_exciting(self.network, self._held_out(data).inputs, layer, number)
        return exciting, deconvolution(self.network, inputs, layer, number)

    def attributions(self, source: str | Path, target: str | None = None) -> tuple[Record, ...]:
        """Which parts of one input speak for a class: saliency, integrated gradients, occlusion, Grad-CAM.

        Args:
            source: an image file, or a CSV file whose first row is taken.
            target: the name of a class; None: the predicted one.

        Raises:
            GlassworkError: for a missing or unreadable file, or a class that the model does not have.
        """
        self.task.inputs.require_features()
        inputs = self.inputs([source])[:1]
        wanted = self._answer(inputs) if target is None else self.task.target.place(target)
        found: list[Record] = [
            saliency(self.network, inputs, wanted),
            integrated_gradients(self.network, inputs, wanted),
        ]
        if inputs.dim() == 4:
            side = max(2, min(inputs.shape[2:]) // 6)
            found.append(occlusion(self.network, inputs, wanted, side, max(1, side // 2)))
            places = [layer for layer in feature_maps(self.network, inputs).layers if _has_places(layer.values.shape)]
            if places:  # the last one: what it found is put together without regard to place
                found.append(grad_cam(self.network, inputs, wanted, places[-1].layer))
        return tuple(found)

    def _answer(self, inputs: Tensor) -> int:
        with torch.no_grad():
            return int(self.network(inputs).argmax(1)[0])

    def landscape(self, points: int = 15, data: str | Path | None = None) -> Landscape:
        """The loss on held-out examples along two random directions of the weights (Li et al. 2018).

        Args:
            points: along each direction.
            data: where the examples are; None: in the run's own data.
        """
        batch, objective = self._held_out(data), self.system.objective(self.task)
        return landscape(
            self.network, lambda network: self.system.loss(network, batch, {}, START, objective)[0], points=points
        )

    def diagnose(self, data: str | Path | None = None) -> Diagnosis:
        """What is wrong with the network, and what to try.

        Args:
            data: a path or a name; None: held-out examples of the run's own data.

        Raises:
            GlassworkError: where the data does not fit the model.
        """
        dataset, splits = self._divided(data)
        batch = self.system.batch(dataset, self._rows_unseen(dataset, splits), self.execution)
        objective = self.system.objective(self.task)

        def loss(outputs: Tensor, targets: Tensor) -> Tensor:
            return objective(outputs.float(), targets)

        training = None
        if isinstance(batch.targets, Tensor) and len(batch.targets) == len(batch.inputs):
            training = Training(
                batch.targets, loss, self._learned_from(dataset, splits, batch), held_out=(batch.inputs, batch.targets)
            )
        found = diagnose(
            self.network, batch.inputs, lambda outputs: loss(outputs, batch.targets), batch.further, training
        )
        return replace(found, remarks=(*found.remarks, *self.system.another_loss(self.task)))

    def _learned_from(self, dataset: Dataset, splits: Splits | None, like: Batch) -> list[tuple[Tensor, Tensor]]:
        """Training examples of the run as one batch, where they are known and have the shape of others."""
        if splits is None or not len(splits.training):
            return []
        count = min(COMPARED_EXAMPLES, COMPARED_NUMBERS // max(1, like.inputs[0].numel()))
        batch = self.system.batch(dataset, splits.training[: max(1, count)], self.execution)
        return [(batch.inputs, batch.targets)] if batch.inputs.shape[1:] == like.inputs.shape[1:] else []

    def _held_out(self, data: str | Path | None) -> Batch:
        """Up to 256 examples that the network was not trained on; of those at `data` where it is given."""
        dataset, rows = self._unseen(data)
        return self.system.batch(dataset, rows, self.execution)

    def _unseen(self, data: str | Path | None) -> tuple[Dataset, Tensor]:
        """Examples, and up to 256 of their rows that the network was not trained on."""
        dataset, splits = self._divided(data)
        return dataset, self._rows_unseen(dataset, splits)

    def _rows_unseen(self, dataset: Dataset, splits: Splits | None) -> Tensor:
        if splits is None:
            return torch.arange(len(dataset))[:CHUNK]
        return next(part for part in (splits.validation, splits.test, splits.training) if len(part))[:CHUNK]

    def _divided(self, data: str | Path | None) -> tuple[Dataset, Splits | None]:
        """Examples under the model's task; of those that it was trained on also which were held out.

        Args:
            data: a path or a name; None: the run's own data.
        """
        if data is None:
            own, splits = read_split(self.system) if self.own is None else self.own.read()
            return align(own, self.task), splits
        dataset = self.system.read(data, self.task)
        found = None if self.own is None else self.own.find(data, len(dataset))
        if found is None:
            return align(dataset, self.task), None
        return align(found[0], self.task), found[1]

    def _own_place(self, flag: str = "--data") -> str | None:
        """Where the run's own data is now, whatever it has become; None: there is none."""
        return self.system.recipe.data if self.own is None else self.own.locate(flag)

    def is_own(self, data: str | Path) -> bool:
        """Whether the data at a path or under a name is what the model was trained on, so that parts of it count."""
        return self._divided(data)[1] is not None

    def nearest(self, image: str | Path, among: str | Path | None = None, count: int = 8) -> Nearest:
        """The pictures that lie nearest to one, by what the network makes of them.

        Args:
            image: an image file.
            among: where to look, a path or a name; None: the run's own data.
            count: how many neighbours.

        Raises:
            GlassworkError: for pictures that cannot be read or do not fit, or if there is nowhere to look.
        """
        source = self._own_place("--among") if among is None else str(among)
        return find_nearest(self.run, self.system, self.network, self.task, self.execution, str(image), source, count)

    def export(self, path: str | Path, to: str = "onnx", data: str | Path | None = None) -> Exported:
        """Writes the model in a format that others read; the file is read back and compared before it is left.

        Args:
            path: a file that is not there yet.
            to: `onnx` (raw inputs to probabilities, batches of any size), `safetensors` or `state-dict` (weights).
            data: where the inputs are that it is compared on; None: held-out examples of the run's own data.

        Raises:
            GlassworkError: for an unknown format, a missing package, a file that exists, or a network that cannot be
                exported.
        """
        dataset, rows = self._unseen(data)
        raw = raw_inputs(self.system, dataset, rows)
        return export(self.network, self.task, self.system, raw, path, to)

    def evaluate(self, data: str | Path | None = None) -> dict[str, float]:
        """Named metrics on the examples at a path or under a name with known targets.

        All of them count, except for the run's own data, of which the test examples do.

        Args:
            data: where the examples are; None: the run's own data.

        Raises:
            GlassworkError: where the data does not fit the model.
        """
        dataset, splits = self._divided(data)
        return self._measure(dataset, torch.arange(len(dataset)) if splits is None else measured_rows(splits)[1])

    def count_seen(self, data: str | Path) -> int:
        """How many of the examples that `evaluate` counts at a path or under a name the model was trained on."""
        dataset, splits = self._divided(data)
        if splits is not None or self.own is None:
            return 0
        return int(torch.isin(dataset.columns["fingerprints"], self.own.seen).sum())

    def _measure(self, dataset: Dataset, rows: Tensor) -> dict[str, float]:
        return dict(self.system.evaluate(self.network, dataset, rows, self.execution).metrics.values)


def _has_places(shape: Sequence[int]) -> bool:
    """Whether an output of this shape, (1, maps, height, width), is feature maps of more than one cell."""
    return len(shape) == 4 and shape[2] * shape[3] > 1
