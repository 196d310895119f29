"""A model: what a run leaves. It reads inputs, answers, and is measured on new examples."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors
import torch
from safetensors.torch import load
from torch import Tensor, nn

from glasswork import catalogue
from glasswork.data.batches import Batch, Scaling
from glasswork.data.examples import Examples, Schema
from glasswork.data.given import given_inputs
from glasswork.data.inputs import CHUNK, is_folder, is_table, read_table
from glasswork.data.matching import matching
from glasswork.device import Numerics, choose_device, usable_cores
from glasswork.errors import GlassworkError
from glasswork.glassbox.attribution import grad_cam, integrated_gradients, saliency
from glasswork.glassbox.deconvolution import deconvolution
from glasswork.glassbox.diagnose import Diagnosis, diagnose
from glasswork.glassbox.exciting import most_exciting
from glasswork.glassbox.feature_pictures import feature_pictures
from glasswork.glassbox.features import feature_maps
from glasswork.glassbox.landscape import Landscape, landscape
from glasswork.glassbox.layer_features import layer_features
from glasswork.glassbox.occlusion import occlusion
from glasswork.glassbox.opening import open_network
from glasswork.glassbox.record import Record
from glasswork.glassbox.trace import Trace
from glasswork.networks.decoding import Choice
from glasswork.networks.weights import run_folder
from glasswork.objectives.losses import LOSSES
from glasswork.run.export import Exported, export, raw_inputs
from glasswork.run.folder import RunFolder
from glasswork.run.training import read_split
from glasswork.systems.forecasting import Foretold, foretold
from glasswork.systems.published import PUBLISHED, published
from glasswork.systems.questions import class_of, target_of
from glasswork.systems.system import Answer, System
from glasswork.systems.writing import write


class Model:
    """A trained network with what is needed to read inputs and to word answers.

    Attributes:
        network: the network, in evaluation mode.
        schema: what its inputs and outputs mean.
        system: the system that it was trained under, with the recipe that was used.
        run: the run's folder.
    """

    def __init__(self, network: nn.Module, schema: Schema, system: System, run: str, numerics: Numerics) -> None:
        self.network = numerics.place(network).eval()
        self.schema = schema
        self.system = system
        self.run = run
        self.numerics = numerics

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the network's outputs."""
        return self.schema.classes

    def predict(self, sources: str | Path | Sequence[str | Path]) -> Answer | list[Answer]:
        """Answers for image files, folders of images, CSV files, Parquet files or texts.

        Args:
            sources: one path, or several; for a model of whole texts also a text in place of a path.

        Returns:
            One `Answer` for the path of one image or for one text; a list for a folder, a table or several paths, in
            which an image that cannot be read has a `problem` instead of an answer.

        Raises:
            GlassworkError: for a missing or unreadable file.
        """
        several = not isinstance(sources, (str, Path))
        paths = [Path(source) for source in sources] if several else [Path(sources)]  # type: ignore[union-attr, arg-type]
        answers = self._answers(paths)
        if several or len(answers) != 1 or self.schema.inputs in {"vector", "series"} or is_folder(paths[0]):
            return answers
        if answers[0].problem:
            raise GlassworkError(answers[0].problem)
        return answers[0]

    def _answers(self, paths: Sequence[Path]) -> list[Answer]:
        answers: list[Answer] = []
        for part in self.system.inputs(paths, self.schema):
            said = iter(self.system.answer(self.network, part.examples, self.numerics))
            answers += [
                Answer(name, "", None, {}, part.problems[place]) if place in part.problems else next(said)
                for place, name in enumerate(part.names)
            ]
        return answers

    def remarks(self, sources: Sequence[str | Path]) -> tuple[str, ...]:
        """What in tables and texts is not as in training: unknown categories or characters, empty or unused columns.

        Args:
            sources: as for `predict`; nothing is said about images, or about texts with answers.

        Raises:
            GlassworkError: for a table or a text that cannot be read.
        """
        if self.schema.target == "next":
            found = [self.system.read_like(source, self.schema).skipped for source in sources]
            return tuple(sentence for sentences in found for sentence in sentences)
        tables = [Path(source) for source in sources] if self.schema.inputs == "vector" else []
        return tuple(sentence for path in tables if is_table(path) for sentence in read_table(path, self.schema)[1])

    def inputs(self, sources: Sequence[str | Path]) -> Tensor:
        """What the network is given for image files or the rows of CSV files: float32, scaled, (examples, ...).

        Raises:
            GlassworkError: for a missing or unreadable file.
        """
        batches = self._asked([Path(source) for source in sources])
        return torch.cat([batch.inputs for batch in batches])

    def _asked(self, paths: Sequence[Path]) -> Iterator[Batch]:
        """What the network is given for new inputs, none of which may be unreadable; at least one batch."""
        for path in paths:
            if self.schema.inputs != "text" and not path.exists():
                raise GlassworkError(f"There is no file {path}")
        some = False
        for part in self.system.inputs(paths, self.schema):
            if part.problems:
                raise GlassworkError(next(iter(part.problems.values())))
            if len(part.examples):
                some = True
                yield self.system.batch(part.examples, torch.arange(len(part.examples)), self.numerics)
        if not some:
            raise GlassworkError(f"{paths[0]} holds no rows: a table has a line of names and then its rows")

    def open(self, source: str | Path, target: str | float | None = None, **options: Any) -> Trace:
        """Opens the network on one input: every operation forward, every error flowing back, in numbers.

        Args:
            source: an image file, or a CSV file whose first row is taken.
            target: what it should have answered: the name of a class, several with commas between, or a number in the
                target's own units; absent: what it answers.
            options: as for `open_network`: `learning_rate`, `parts`.

        Raises:
            GlassworkError: for a missing or unreadable file, or a class that the model does not have.
        """
        batch = next(self._asked([Path(source)]))
        following = batch.targets[:1] if self.schema.target in {"next", "ahead"} else None
        wanted = following if target is None else target_of(target, self.schema)
        loss = self.system.loss_name
        trace = open_network(self.network, batch.inputs[:1], target=wanted, loss=loss, **options)
        return replace(trace, remarks=(*trace.remarks, *self.system.another_loss())) if trace.loss else trace

    def write(
        self,
        prompt: str = "",
        length: int = 2000,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        beam: int | None = None,
        seed: int = 0,
    ) -> Iterator[str]:
        """Goes on with a text, and hands out each character as it is drawn.

        Args:
            prompt: what the model reads first; empty: the beginning of a line.
            length: how many characters.
            temperature: T in p_k ~ exp(s_k / T): lower is surer; 0 takes the most probable character each time.
            top_k: draws from this many of the most probable characters only.
            top_p: draws from the fewest characters that have this probability together (Holtzman et al. 2020).
            beam: takes the most probable of so many texts that are followed side by side, instead of drawing.
            seed: what is drawn depends on it.

        Raises:
            GlassworkError: for a model that does not write, or characters in the prompt that it does not know.
        """
        return write(self.network, self.schema, prompt, length, Choice(temperature, top_k, top_p, beam), seed)

    def forecast(self, data: str | Path | None = None) -> Foretold:
        """How series go on after the last of their values, in quantiles.

        Args:
            data: a table of the series with their newest values; absent: the run's own data.

        Raises:
            GlassworkError: for a model that foretells no series, or data that does not fit it.
        """
        if self.schema.series is None or (data or self.system.recipe.data) is None:
            raise GlassworkError("This model foretells no series: train one that does with glasswork train forecast")
        examples = self.system.read_like(data or str(self.system.recipe.data), self.schema)
        return foretold(self.network, examples, self.numerics)

    def features(self, inputs: Any, layer: str | None = None) -> npt.NDArray[np.float32]:
        """What one layer makes of inputs, for a classical classifier to learn from (Kovashka: "another option").

        Args:
            inputs: one path or several (image files, folders of images, CSV files); or numbers in raw units, as an
                array or tensor: images, uint8 or from 0 to 1, or rows of a table's features.
            layer: as `named_modules` calls it, such as `dense_2`; absent: what goes into the last layer with weights.

        Returns:
            (examples, units); the maps of a layer are laid out in a row.

        Raises:
            GlassworkError: for a missing or unreadable file, inputs that do not fit, or an unknown layer.
        """
        self._require_looks()
        sources = [inputs] if isinstance(inputs, (str, Path)) else inputs
        if len(sources) and isinstance(sources[0], (str, Path)):
            scaled = self.inputs(sources)
        else:
            raw = given_inputs(inputs, self.schema).to(self.numerics.device)
            scaled = Scaling(self.schema, self.numerics).inputs(raw)
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
        self._require_looks()
        return feature_pictures(self.network, self.inputs([source])[:1], self.schema.shape)

    def unit(self, source: str | Path, layer: str, number: int) -> tuple[Record, ...]:
        """What one unit looks for: the held-out examples that excite it most, and what drives it in one input.

        Args:
            source: an image file, or a CSV file whose first row is taken.
            layer: the unit's layer, such as `convolution_2`.
            number: of the unit or feature map, from 0.

        Raises:
            GlassworkError: for a missing file, layer or unit.
        """
        self._require_looks()
        inputs = self.inputs([source])[:1]
        exciting = most_exciting(self.network, self._held_out(None).inputs, layer, number)
        return exciting, deconvolution(self.network, inputs, layer, number)

    def attributions(self, source: str | Path, target: str | None = None) -> tuple[Record, ...]:
        """Which parts of one input speak for a class: saliency, integrated gradients, occlusion, Grad-CAM.

        Args:
            source: an image file, or a CSV file whose first row is taken.
            target: the name of a class; absent: the answered one.

        Raises:
            GlassworkError: for a missing or unreadable file, or a class that the model does not have.
        """
        self._require_looks()
        inputs = self.inputs([source])[:1]
        wanted = self._answered(inputs) if target is None else class_of(target, self.schema)
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

    def _require_looks(self) -> None:
        """Refuses to look for features where inputs are neither images nor rows of numbers."""
        if self.schema.inputs not in {"image", "vector"}:
            raise GlassworkError(
                "Features and attributions are of images and rows of numbers, and this model takes "
                f"{'text' if self.schema.inputs == 'text' else self.schema.inputs}: open it without them"
            )

    def _answered(self, inputs: Tensor) -> int:
        with torch.no_grad():
            return int(self.network(inputs).argmax(1)[0])

    def landscape(self, points: int = 15) -> Landscape:
        """The loss on held-out examples along two random directions of the weights (Li et al. 2018)."""
        batch = self._held_out(None)
        return landscape(self.network, lambda network: self.system.loss(network, batch, {})[0], points=points)

    def diagnose(self, data: str | Path | None = None) -> Diagnosis:
        """What is wrong with the network, and what to try.

        Args:
            data: a path or a name; absent: held-out examples of the run's own data.

        Raises:
            GlassworkError: where the data does not fit the model.
        """
        batch = self._held_out(data)
        loss = LOSSES[self.system.loss_name]
        found = diagnose(self.network, batch.inputs, lambda outputs: loss(outputs.float(), batch.targets))
        return replace(found, remarks=self.system.another_loss())

    def _held_out(self, data: str | Path | None) -> Batch:
        """Up to 256 examples that the network was not trained on; of those at `data` where it is given."""
        examples, rows = self._unseen(data)
        return self.system.batch(examples, rows, self.numerics)

    def _unseen(self, data: str | Path | None) -> tuple[Examples, Tensor]:
        """Examples, and up to 256 of their rows that the network was not trained on."""
        if data is not None:
            examples = matching(self.system.read_like(data, self.schema), self.schema)
            return examples, torch.arange(len(examples))[:CHUNK]
        examples, splits = read_split(self.system, self.system.recipe)
        rows = next(part for part in (splits.validation, splits.test, splits.training) if len(part))
        return matching(examples, self.schema), rows[:CHUNK]

    def export(self, path: str | Path, to: str = "onnx", data: str | Path | None = None) -> Exported:
        """Writes the model in a format that others read; the file is read back and compared before it is left.

        Args:
            path: a file that is not there yet.
            to: `onnx` (raw inputs to probabilities, batches of any size), `safetensors` or `state-dict` (weights).
            data: where the inputs are that it is compared on; absent: held-out examples of the run's own data.

        Raises:
            GlassworkError: for an unknown format, a missing package, a file that exists, or a network that cannot be
                exported.
        """
        examples, rows = self._unseen(data)
        raw = raw_inputs(self.system, examples, rows)
        return export(self.network, self.schema, self.system, raw, path, to)

    def evaluate(self, data: str | Path | None = None) -> dict[str, float]:
        """Named metrics on the examples at a path or under a name with known targets; all of them count.

        Args:
            data: where the examples are; absent: the test examples of the run's own data.

        Raises:
            GlassworkError: where the data does not fit the model.
        """
        if data is None:
            examples, splits = read_split(self.system, self.system.recipe)
            return self.system.score(self.network, matching(examples, self.schema), splits.test, self.numerics)
        examples = matching(self.system.read_like(data, self.schema), self.schema)
        return self.system.score(self.network, examples, torch.arange(len(examples)), self.numerics)


def load_model(run: str | Path, network: nn.Module | None = None, device: str = "auto") -> Model:
    """The model of a run.

    Args:
        run: the run's folder, or its name under runs/; or a network with published weights, such as efficientnet-lite0.
        network: the user's module, for a run that was trained on a module object rather than a named one.
        device: where it shall answer.

    Raises:
        GlassworkError: where there is no run, it is not finished, or its files do not fit.
    """
    if str(run) in PUBLISHED and run_folder(str(run)) is None:
        return Model(*published(str(run)), str(run), Numerics(choose_device(device), usable_cores()))
    folder = RunFolder.find(run)
    if not (folder.model / "model.json").is_file():
        raise GlassworkError(f"{folder.name} has no model yet: finish it with glasswork resume {folder.name}")
    try:
        description = json.loads((folder.model / "model.json").read_text(encoding="utf-8"))
        weights = load((folder.model / "model.safetensors").read_bytes())
    except (OSError, ValueError, safetensors.SafetensorError) as error:
        raise GlassworkError(f"The model in {folder.name} cannot be read: {error}") from None
    folder.check_format("model/model.json", {"format": description.get("format")})
    schema = Schema.from_json(description["schema"])
    recipe = folder.with_kept_network(catalogue.RECIPES[description["system"]].parse(description["recipe"]))
    system = catalogue.make_system(description["system"], recipe, network)
    made = system.network(schema)
    try:
        made.load_state_dict(weights)
    except RuntimeError as error:
        raise GlassworkError(
            f"The weights in {folder.name} do not fit the network: {str(error).splitlines()[-1].strip()}"
        ) from None
    numerics = Numerics(choose_device(device), usable_cores())
    return Model(made, schema, system, folder.name, numerics)


def _has_places(shape: Sequence[int]) -> bool:
    """Whether an output of this shape, (1, maps, height, width), is feature maps of more than one cell."""
    return len(shape) == 4 and shape[2] * shape[3] > 1
