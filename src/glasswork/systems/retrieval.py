"""Retrieval: finds the images most similar to one, by embedding or by the last hidden layer of any network."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from glasswork.data.collate import Rows
from glasswork.data.dataset import Dataset, ReadingOptions
from glasswork.data.formats.decoding import SUFFIXES
from glasswork.data.kinds.kind import new_inputs
from glasswork.data.kinds.task import Task
from glasswork.data.listing import image_files
from glasswork.data.pictures import picture
from glasswork.data.reading import read
from glasswork.errors import GlassworkError
from glasswork.execution import Execution
from glasswork.glassbox.features.top_activations import layer_features
from glasswork.networks.embedding import Embedding
from glasswork.objectives.retrieval import Neighbours, nearest
from glasswork.report.blocks import Picture, Pictures, Remark, Table
from glasswork.report.report import Report, Section
from glasswork.report.words import number
from glasswork.systems.evaluation import EVALUATION_ROWS
from glasswork.systems.system import System


@dataclass(frozen=True)
class Neighbour:
    """A picture of the gallery.

    Attributes:
        name: where it came from.
        label: its class; empty if it has none.
        distance: from the query.
        png: the picture.
    """

    name: str
    label: str
    distance: float
    png: bytes


@dataclass(frozen=True)
class Nearest:
    """What lies nearest to a picture.

    Attributes:
        run: whose network was asked.
        query: the picture's name.
        png: the picture.
        among: what was looked among, in words.
        measure: what the distance is, in words.
        neighbours: nearest first.
        left_out: why pictures were left out of the search, a sentence each.
    """

    run: str
    query: str
    png: bytes
    among: str
    measure: str
    neighbours: Sequence[Neighbour]
    left_out: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        """The same as plain JSON types, without the pictures."""
        found = [{"name": one.name, "class": one.label, "distance": one.distance} for one in self.neighbours]
        described = {"run": self.run, "input": self.query, "among": self.among, "measure": self.measure}
        return {**described, "neighbours": found}

    def report(self) -> Report:
        """The picture and its neighbours."""
        pictures = [
            Picture(
                one.png,
                one.name,
                [
                    *([Remark("", one.label)] if one.label else []),
                    Remark(one.name),
                    Remark(f"distance {number(one.distance)}", tone="quiet"),
                ],
            )
            for one in self.neighbours
        ]
        rows = [(one.name, one.label, number(one.distance)) for one in self.neighbours]
        return Report(
            f"Images most similar to {self.query}",
            [
                Section(
                    "The query image",
                    "As you gave it.",
                    [Pictures([Picture(self.png, self.query)], look="gallery")],
                ),
                Section(
                    "Its neighbours",
                    "The most similar first. A distance of 0 means the same embedding.",
                    [Pictures(pictures, look="gallery")],
                ),
            ],
            verdict=f"{number(len(self.neighbours))} nearest of {self.among}, by {self.measure} in the network of "
            f"{self.run}.",
            summary=[Table(("nearest", "class", "distance"), rows)],
            footer="Drawn by Glasswork; the pictures were read and not changed.",
        )

    def cells(self) -> list[tuple[bytes, str, str]]:
        """The query and its neighbours for one sheet: picture, class, distance."""
        found = [(one.png, one.label or one.name, number(one.distance)) for one in self.neighbours]
        return [(self.png, "query", ""), *found]


def embeddings_on(network: nn.Module, dataset: Dataset, rows: Tensor, execution: Execution) -> Tensor:
    """What a network makes of some rows, to be compared by distance: its embeddings, or its features.

    Args:
        network: one that embeds, or any other, of which is taken what goes into the last layer with weights.
        dataset: all examples, with the network's task.
        rows: which of them, int64.
        execution: how the arithmetic is carried out.

    Returns:
        float32 (rows, units) of length 1, on the CPU.
    """
    network.eval()
    collate = Rows(dataset, execution)
    parts = []
    for start in range(0, len(rows), EVALUATION_ROWS):
        inputs = collate(rows[start : start + EVALUATION_ROWS]).inputs
        with torch.no_grad(), execution.arithmetic():
            found = network.embed(inputs) if isinstance(network, Embedding) else layer_features(network, inputs)
        parts.append(F.normalize(found.float(), dim=1).cpu())
    return torch.cat(parts)


def neighbours(network: nn.Module, queries: Dataset, gallery: Dataset, count: int, execution: Execution) -> Neighbours:
    """The nearest of a gallery to each query, by the distance of what the network makes of them.

    Args:
        network: as for `embeddings_on`.
        queries: images under the network's task.
        gallery: images under the network's task.
        count: how many.
        execution: how the arithmetic is carried out.
    """
    asked = embeddings_on(network, queries, torch.arange(len(queries)), execution)
    return nearest(asked, embeddings_on(network, gallery, torch.arange(len(gallery)), execution), count)


def measure(network: nn.Module) -> str:
    """What the distance is, in words."""
    if isinstance(network, Embedding):
        return "distance of the embeddings"
    return "distance of what goes into the last layer, scaled to length 1"


def find_nearest(
    run: str,
    system: System,
    network: nn.Module,
    task: Task,
    execution: Execution,
    image: str,
    source: str | None,
    count: int,
) -> Nearest:
    """The pictures that lie nearest to one.

    Args:
        run: whose network is asked.
        system: that the network was trained under.
        network: as for `embeddings_on`.
        task: what its inputs mean.
        execution: how the arithmetic is carried out.
        image: the query.
        source: where to look, a path or a name; None: the run has no data of its own.
        count: how many.

    Raises:
        GlassworkError: for pictures that cannot be read or do not fit, or if there is nowhere to look.
    """
    raw, problems = task.inputs.read_images([image])
    if problems:
        raise GlassworkError(problems[0])
    query = new_inputs(raw, task, [image])
    if source is None:
        raise GlassworkError(f"{run} has no data of its own to search: give some with --among")
    left_out: tuple[str, ...] = ()
    labelled = not Path(source).is_dir() or not any(map(_is_image, Path(source).iterdir()))
    if labelled:
        gallery = _gallery(source, system, task)
    else:
        gallery, left_out = _read_unlabelled(Path(source), task)
    near = neighbours(network, query, gallery, count, execution)
    found = [
        Neighbour(
            gallery.name(row),
            gallery.task.target.class_of(gallery, row) if labelled else "",
            distance,
            picture(gallery, row),
        )
        for row, distance in zip(near.places[0].tolist(), near.distances[0].sqrt().tolist(), strict=True)
    ]
    where = f"{len(gallery):,} images of {gallery.source}"
    return Nearest(run, image, picture(query, 0), where, measure(network), found, left_out)


def _gallery(source: str, system: System, task: Task) -> Dataset:
    """The images to look among, read as the network reads its own."""
    dataset = read(source, task.inputs.like(ReadingOptions.of(system.recipe), task))
    inputs = dataset.task.inputs
    if task.inputs.align(dataset) is None:
        raise GlassworkError(
            f"{source} holds {inputs.word} inputs of shape {inputs.shape}, and this model takes "
            f"images of shape {task.inputs.shape}"
        )
    return dataset.with_task(Task(task.inputs, dataset.task.target))


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def _read_unlabelled(folder: Path, task: Task) -> tuple[Dataset, tuple[str, ...]]:
    """Images that lie side by side, of no class, and why some of them were left out."""
    files = [str(path) for path in image_files(folder)]
    raw, problems = task.inputs.read_images(files)
    if not len(raw):
        raise GlassworkError(f"None of the {len(files):,} images in {folder} can be read")
    names = [name for place, name in enumerate(files) if place not in problems]
    return replace(new_inputs(raw, task, names), source=str(folder)), tuple(problems.values())
