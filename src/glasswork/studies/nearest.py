"""What lies nearest to a picture in the space that a network learnt."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from glasswork.data.dataset import Dataset, ReadingOptions
from glasswork.data.formats.decoding import SUFFIXES as IMAGES
from glasswork.data.inputs import of_inputs, read_images
from glasswork.data.listing import image_files
from glasswork.data.reading import read
from glasswork.errors import GlassworkError
from glasswork.model import Model
from glasswork.report.blocks import Picture, Pictures, Remark, Table
from glasswork.report.report import Report, Section
from glasswork.report.words import number
from glasswork.show.sheets import neighbours_png
from glasswork.systems.retrieval import measure, neighbours
from glasswork.systems.supervised_findings import picture


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
    """

    run: str
    query: str
    png: bytes
    among: str
    measure: str
    neighbours: Sequence[Neighbour]

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
            f"What is nearest to {self.query}",
            [
                Section(
                    "The picture asked about",
                    "As it was given.",
                    [Pictures([Picture(self.png, self.query)], look="gallery")],
                ),
                Section(
                    "Its neighbours",
                    "The nearest first. A distance of 0 is the same embedding.",
                    [Pictures(pictures, look="gallery")],
                ),
            ],
            verdict=f"{number(len(self.neighbours))} nearest of {self.among}, by {self.measure} in the network of "
            f"{self.run}.",
            summary=[Table(("nearest", "class", "distance"), rows)],
            footer="Drawn by Glasswork; the pictures were read and not changed.",
        )

    def sheet_png(self) -> bytes:
        """The same as one picture: the query, then its neighbours with class and distance below each."""
        cells = [(self.png, "asked about", "")]
        return neighbours_png(
            [*cells, *((one.png, one.label or one.name, number(one.distance)) for one in self.neighbours)]
        )


def find_nearest(model: Model, image: str, among: str | None, count: int) -> Nearest:
    """The nearest to an image among a data set, by what the model's network makes of them.

    Args:
        model: of any network for images.
        image: a file.
        among: where to look: a path or a name; None: the run's own data.
        count: how many neighbours.
    """
    raw, problems = read_images([image], model.schema)
    if problems:
        raise GlassworkError(problems[0])
    query = of_inputs(raw, model.schema, [image])
    gallery, labelled = _gallery(model, among)
    near = neighbours(model.network, query, gallery, count, model.execution)
    found = [
        Neighbour(
            gallery.name(row),
            gallery.schema.classes[int(gallery.columns["targets"][row])] if labelled else "",
            distance,
            picture(gallery, row),
        )
        for row, distance in zip(near.places[0].tolist(), near.distances[0].sqrt().tolist(), strict=True)
    ]
    words = f"{len(gallery):,} images of {gallery.source}"
    return Nearest(model.run, image, picture(query, 0), words, measure(model.network), found)


def _gallery(model: Model, among: str | None) -> tuple[Dataset, bool]:
    """The images to look among, read as the model reads its own, and whether each has a class."""
    recipe, schema = model.system.recipe, model.schema
    source = among or recipe.data
    if source is None:
        raise GlassworkError(f"{model.run} knows no data of its own to look among: name some with --among")
    if Path(source).is_dir() and any(_is_image(path) for path in Path(source).iterdir()):
        return _unlabelled(model, Path(source)), False
    side = schema.shape[1] if schema.shape[1] == schema.shape[2] else None
    target = recipe.model_dump().get("target")
    dataset = read(source, ReadingOptions(side, 0, target, False, schema.shape[0], True))
    if dataset.schema.inputs != "image" or dataset.schema.shape != schema.shape:
        raise GlassworkError(
            f"{source} holds {dataset.schema.inputs} inputs of shape {dataset.schema.shape}, and this model takes "
            f"images of shape {schema.shape}"
        )
    own = dataset.schema
    return dataset.with_schema(replace(schema, target=own.target, classes=own.classes)), own.target == "class"


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in IMAGES and not path.name.startswith(".")


def _unlabelled(model: Model, folder: Path) -> Dataset:
    """Images that lie side by side, of no class."""
    files = [str(path) for path in image_files(folder)]
    raw, problems = read_images(files, model.schema)
    for problem in problems.values():
        print(f"glasswork: left out: {problem.removesuffix('.')}", file=sys.stderr)
    if not len(raw):
        raise GlassworkError(f"None of the {len(files):,} images in {folder} can be read")
    names = [name for place, name in enumerate(files) if place not in problems]
    return replace(of_inputs(raw, model.schema, names), source=str(folder))
