"""A model: what a run leaves. It reads inputs, answers, and is measured on new examples."""

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import safetensors
import torch
from safetensors.torch import load
from torch import nn

from glasswork import catalogue
from glasswork.data.examples import Examples, Schema
from glasswork.data.inputs import read_table
from glasswork.data.listing import image_files
from glasswork.data.matching import matching_inputs, matching_targets
from glasswork.device import Numerics, choose_device, usable_cores
from glasswork.errors import GlassworkError
from glasswork.run.folder import RunFolder
from glasswork.run.training import read_split
from glasswork.systems.system import Answer, System

CHUNK = 256


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
        """Answers for image files, folders of images or CSV files.

        Args:
            sources: one path, or several.

        Returns:
            One `Answer` for the path of one image; a list for a folder, a table or several paths, in which an image
            that cannot be read has a `problem` instead of an answer.

        Raises:
            GlassworkError: for a missing or unreadable file.
        """
        if isinstance(sources, (str, Path)):
            path = Path(sources)
            answers = self._answers([path])
            if not path.is_file() or self.schema.inputs != "image":
                return answers
            if answers[0].problem:
                raise GlassworkError(answers[0].problem)
            return answers[0]
        return self._answers([Path(source) for source in sources])

    def _answers(self, paths: Sequence[Path]) -> list[Answer]:
        if self.schema.inputs == "vector":
            return [answer for path in paths for answer in self._rows(path)]
        files = [str(file) for path in paths for file in image_files(path)]
        parts = [files[start : start + CHUNK] for start in range(0, len(files), CHUNK)]
        return [
            answer for part in parts for answer in self.system.answer(self.network, self.schema, part, self.numerics)
        ]

    def _rows(self, path: Path) -> list[Answer]:
        if not path.is_file():
            raise GlassworkError(f"There is no file {path}: this model answers the rows of a .csv file")
        inputs = read_table(path, self.schema)
        names = [f"{path.name} row {row}" for row in range(1, len(inputs) + 1)]
        return self.system.answer_inputs(self.network, self.schema, inputs, names, self.numerics)

    def evaluate(self, data: str | Path | None = None) -> dict[str, float]:
        """Named metrics on the examples at a path or under a name with known targets; all of them count.

        Args:
            data: where the examples are; absent: the test examples of the run's own data.

        Raises:
            GlassworkError: where the data does not fit the model.
        """
        if data is None:
            examples, splits = read_split(self.system, self.system.recipe)
            return self.system.score(self.network, self._fitting(examples), splits.test, self.numerics)
        examples = self._fitting(self.system.read_like(data, self.schema))
        return self.system.score(self.network, examples, torch.arange(len(examples)), self.numerics)

    def _fitting(self, examples: Examples) -> Examples:
        """The examples under the model's schema, with features and classes in the model's order."""
        inputs, targets = matching_inputs(examples, self.schema), matching_targets(examples, self.schema)
        return replace(examples, columns={**examples.columns, "inputs": inputs, "targets": targets}, schema=self.schema)


def load_model(run: str | Path, network: nn.Module | None = None, device: str = "auto") -> Model:
    """The model of a run.

    Args:
        run: the run's folder, or its name under runs/.
        network: the user's module, for a run that was trained on a module object rather than a named one.
        device: where it shall answer.

    Raises:
        GlassworkError: where there is no run, it is not finished, or its files do not fit.
    """
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


def write_answers(path: Path, answers: Sequence[Answer]) -> None:
    """Writes answers as CSV: input, answer, probability, and a column with the probability of each class.

    Raises:
        GlassworkError: where the file exists already or cannot be written.
    """
    classes = sorted(answers[0].probabilities) if answers else []
    try:
        with path.open("x", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["input", "answer", "probability", *classes])
            for answer in answers:
                words = answer.answer
                said = ";".join(map(str, words)) if isinstance(words, tuple) else words
                chance = "" if answer.probability is None else answer.probability
                writer.writerow([answer.input, said, chance, *(answer.probabilities[name] for name in classes)])
    except FileExistsError:
        raise GlassworkError(f"{path} is there already: choose another name or move it away") from None
    except OSError as error:
        raise GlassworkError(f"{path} cannot be written: {error.strerror}") from None
