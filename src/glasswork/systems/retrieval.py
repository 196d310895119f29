"""What lies nearest to an image, in an embedding or in the last hidden layer of any network."""

from dataclasses import replace
from pathlib import Path

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
from glasswork.glassbox.features.layer_features import layer_features
from glasswork.networks.embedding import Embedding
from glasswork.objectives.retrieval import Neighbours, nearest
from glasswork.show.nearest import NearestPage, Neighbour
from glasswork.systems.evaluation import EVALUATION_ROWS
from glasswork.systems.system import System


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
    among: str | None,
    count: int,
) -> NearestPage:
    """The pictures that lie nearest to one.

    Args:
        run: whose network is asked.
        system: that the network was trained under.
        network: as for `embeddings_on`.
        task: what its inputs mean.
        execution: how the arithmetic is carried out.
        image: the picture that is asked about.
        among: where to look, a path or a name; None: the data of the run.
        count: how many.

    Raises:
        GlassworkError: for pictures that cannot be read or do not fit, or if there is nowhere to look.
    """
    raw, problems = task.inputs.read_images([image])
    if problems:
        raise GlassworkError(problems[0])
    query = new_inputs(raw, task, [image])
    source = among or system.recipe.data
    if source is None:
        raise GlassworkError(f"{run} knows no data of its own to look among: name some with --among")
    left_out: tuple[str, ...] = ()
    if Path(source).is_dir() and any(_is_image(path) for path in Path(source).iterdir()):
        labelled = False
        gallery, left_out = _unlabelled(Path(source), task)
    else:
        gallery = _gallery(source, system, task)
        labelled = gallery.task.target.one_class
    near = neighbours(network, query, gallery, count, execution)
    found = [
        Neighbour(
            gallery.name(row),
            gallery.task.target.names[int(gallery.columns["targets"][row])] if labelled else "",
            distance,
            picture(gallery, row),
        )
        for row, distance in zip(near.places[0].tolist(), near.distances[0].sqrt().tolist(), strict=True)
    ]
    where = f"{len(gallery):,} images of {gallery.source}"
    return NearestPage(run, image, picture(query, 0), where, measure(network), found, left_out)


def _gallery(source: str, system: System, task: Task) -> Dataset:
    """The images to look among, read as the network reads its own."""
    target = system.recipe.model_dump().get("target")
    dataset = read(source, task.inputs.like(ReadingOptions(target=target), task))
    inputs = dataset.task.inputs
    if inputs.image_shape != task.inputs.shape:
        raise GlassworkError(
            f"{source} holds {inputs.word} inputs of shape {inputs.shape}, and this model takes "
            f"images of shape {task.inputs.shape}"
        )
    return dataset.with_task(Task(task.inputs, dataset.task.target))


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def _unlabelled(folder: Path, task: Task) -> tuple[Dataset, tuple[str, ...]]:
    """Images that lie side by side, of no class, and why some of them were left out."""
    files = [str(path) for path in image_files(folder)]
    raw, problems = task.inputs.read_images(files)
    if not len(raw):
        raise GlassworkError(f"None of the {len(files):,} images in {folder} can be read")
    names = [name for place, name in enumerate(files) if place not in problems]
    return replace(new_inputs(raw, task, names), source=str(folder)), tuple(problems.values())
