"""`glasswork nearest`: what lies nearest to a picture in the space that a network learnt."""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import glasswork as gw
from glasswork.cli.arguments import add_device, add_out, add_run
from glasswork.cli.output import console_for_results, write_page
from glasswork.errors import GlassworkError

if TYPE_CHECKING:
    from glasswork.data.dataset import Dataset
    from glasswork.show.nearest import NearestPage
    from glasswork.systems.model import Model

SUFFIXES = (".html", ".png")


def fill(parser: ArgumentParser, arguments: Sequence[str]) -> None:
    """Adds the verb's arguments."""
    add_run(parser)
    parser.add_argument("image", metavar="IMAGE", help="an image file")
    parser.add_argument("--among", metavar="DATA", help="where to look: a path or a name; absent: the run's own data")
    parser.add_argument("--count", type=int, default=8, metavar="WHOLE", help="how many neighbours (default: 8)")
    add_out(parser, "write the neighbours as pictures here (.html or .png)")
    add_device(parser)


def carry_out(options: Namespace) -> int:
    """Carries the verb out; the exit code."""
    if options.count < 1:
        raise GlassworkError(f"--count is how many neighbours to show, at least 1, and not {options.count}")
    if options.out:
        _refuse(Path(options.out))
    model = gw.load(options.run, device=options.device)
    found = _found(model, options)
    if options.out:
        from glasswork.show.nearest import nearest_page, nearest_png

        write_page(options.out, {".html": lambda: nearest_page(found), ".png": lambda: nearest_png(found)})
    if options.json:
        neighbours = [{"name": one.name, "class": one.label, "distance": one.distance} for one in found.neighbours]
        described = {"run": found.run, "input": found.query, "among": found.among, "measure": found.measure}
        print(json.dumps({**described, "neighbours": neighbours}))
    elif not options.out:
        from glasswork.show import number
        from glasswork.show.terminal import print_table

        rows = [(one.name, one.label, number(one.distance)) for one in found.neighbours]
        print_table(console_for_results(), ("nearest", "class", "distance"), rows)
    return 0


def _refuse(path: Path) -> None:
    """Says before the work, rather than after it, what cannot be written."""
    if path.suffix.lower() not in SUFFIXES:
        raise GlassworkError(f"--out writes {' or '.join(SUFFIXES)}, and {path} ends in neither")
    if path.exists():
        raise GlassworkError(f"{path} is there already: choose another name or move it away")


def _found(model: "Model", options: Namespace) -> "NearestPage":
    from glasswork.data.inputs import of_inputs, read_images
    from glasswork.data.pictures import picture
    from glasswork.show.nearest import NearestPage, Neighbour
    from glasswork.systems.retrieval import measure, neighbours

    raw, problems = read_images([options.image], model.schema)
    if problems:
        raise GlassworkError(problems[0])
    query = of_inputs(raw, model.schema, [options.image])
    gallery, labelled = _gallery(model, options.among)
    near = neighbours(model.network, query, gallery, options.count, model.execution)
    found = [
        Neighbour(
            gallery.name(row),
            gallery.schema.classes[int(gallery.columns["targets"][row])] if labelled else "",
            distance,
            picture(gallery, row),
        )
        for row, distance in zip(near.places[0].tolist(), near.distances[0].sqrt().tolist(), strict=True)
    ]
    among = f"{len(gallery):,} images of {gallery.source}"
    return NearestPage(model.run, options.image, picture(query, 0), among, measure(model.network), found)


def _gallery(model: "Model", among: str | None) -> "tuple[Dataset, bool]":
    """The images to look among, read as the model reads its own, and whether each has a class."""
    from dataclasses import replace

    from glasswork.data.dataset import ReadingOptions
    from glasswork.data.reading import read

    recipe, schema = model.system.recipe, model.schema
    source = among or recipe.data
    if source is None:
        raise GlassworkError(f"{model.run} knows no data of its own to look among: name some with --among")
    if Path(source).is_dir() and any(_is_image(path) for path in Path(source).iterdir()):
        return _unlabelled(model, Path(source)), False
    target = recipe.model_dump().get("target")
    dataset = read(source, schema.task.inputs.like(ReadingOptions(target=target), schema))
    inputs = dataset.schema.task.inputs
    if inputs.image_shape != schema.shape:
        raise GlassworkError(
            f"{source} holds {inputs.word} inputs of shape {inputs.shape}, and this model takes "
            f"images of shape {schema.shape}"
        )
    own = dataset.schema
    return dataset.with_schema(replace(schema, target=own.target, classes=own.classes)), own.task.target.one_class


def _is_image(path: Path) -> bool:
    from glasswork.data.formats.decoding import SUFFIXES as IMAGES

    return path.suffix.lower() in IMAGES and not path.name.startswith(".")


def _unlabelled(model: "Model", folder: Path) -> "Dataset":
    """Images that lie side by side, of no class."""
    from dataclasses import replace

    from glasswork.data.inputs import of_inputs, read_images
    from glasswork.data.listing import image_files

    files = [str(path) for path in image_files(folder)]
    raw, problems = read_images(files, model.schema)
    for problem in problems.values():
        print(f"glasswork: left out: {problem.removesuffix('.')}", file=sys.stderr)
    if not len(raw):
        raise GlassworkError(f"None of the {len(files):,} images in {folder} can be read")
    names = [name for place, name in enumerate(files) if place not in problems]
    return replace(of_inputs(raw, model.schema, names), source=str(folder))
