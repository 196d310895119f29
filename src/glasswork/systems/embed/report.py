"""The report of a metric-learning run: neighbours as images, recall, the ROC curve, a map."""

import torch
import torch.nn.functional as F
from torch import Tensor

from glasswork.data.augmentation import centre
from glasswork.data.dataset import Dataset
from glasswork.data.pictures import picture
from glasswork.data.samplers import by_class
from glasswork.data.splits import Splits
from glasswork.objectives.metrics import share_interval
from glasswork.objectives.retrieval import Recall, Verification, nearest, principal_plane, recall, verification
from glasswork.report.blocks import Block, Cell, Curves, Line, Picture, Pictures, Scatter, Table, Text
from glasswork.report.report import Score, Section
from glasswork.report.words import percent
from glasswork.systems.evaluation import Evaluation, measured_rows
from glasswork.systems.system import Context, Findings

COUNTS = (1, 2, 5, 10)
QUERIES, SHOWN = 8, 6
REMEMBERED = 200
MAPPED_CLASSES, MAPPED = 8, 600
LARGEST_SIDE = 32


def gallery_rows(dataset: Dataset, splits: Splits) -> Tensor:
    """Up to 200 examples of each class, from which its mean is taken: of those trained on, else of those held out."""
    targets = dataset.columns["targets"]
    count = len(dataset.task.target.names)
    trained = torch.zeros(count, dtype=torch.bool)
    trained[targets[splits.training]] = True
    others = torch.cat([splits.validation, splits.test])
    rows = torch.cat([splits.training, others[~trained[targets[others]]]])
    parts = by_class(rows, targets[rows])
    return torch.cat([part[:: -(-len(part) // REMEMBERED)] for part in parts])


def report_embedding(context: Context, evaluation: Evaluation[Tensor]) -> Findings:
    """What is said about the embeddings of the rows that are measured on.

    Args:
        context: what was trained on.
        evaluation: with the embeddings, (rows, size).
    """
    dataset, rows, embeddings = context.dataset, evaluation.rows, evaluation.outputs
    where, classes = measured_rows(context.splits)[0], dataset.columns["targets"][rows]
    found, verified = recall(embeddings, classes, counts=COUNTS), verification(embeddings, classes)
    pixels = recall(_pixels(dataset, rows), classes, counts=COUNTS)
    unseen = len(torch.unique(classes)) if "unseen" in dataset.columns else 0
    kind = f" of {unseen:,} classes never trained on" if unseen else ""
    score = Score(
        "recall at 1",
        found.shares[1],
        f"{found.right:,} of {found.queries:,} {where} images{kind}",
        share_interval(found.right, found.queries) if found.queries else (0.0, 1.0),
        baseline="the nearest by pixels",
        baseline_value=pixels.shares[1],
    )
    sections = [
        _neighbours_section(dataset, rows, embeddings),
        _figures_section(found, pixels, verified),
        _map_section(dataset, rows, embeddings),
    ]
    return Findings(score, sections=sections)


def _pixels(dataset: Dataset, rows: Tensor) -> Tensor:
    """Images as rows of numbers, of at most 32 pixels a side."""
    images = centre(dataset.columns["inputs"][rows], dataset.margin).float() / 255
    height, width = images.shape[2:]
    if max(height, width) > LARGEST_SIDE:
        images = F.adaptive_avg_pool2d(images, (min(height, LARGEST_SIDE), min(width, LARGEST_SIDE)))
    return images.flatten(1)


def _neighbours_section(dataset: Dataset, rows: Tensor, embeddings: Tensor) -> Section:
    """Some queries, of as many classes as there are, with what lies nearest to each."""
    classes = dataset.columns["targets"][rows]
    generator = torch.Generator().manual_seed(0)
    order = torch.randperm(len(rows), generator=generator)
    turns = {int(place): (classes[order[:at]] == classes[place]).sum().item() for at, place in enumerate(order[:400])}
    queries = torch.tensor(sorted(turns, key=lambda place: turns[place])[:QUERIES])
    near = nearest(embeddings[queries], embeddings, SHOWN, queries)
    strips = []
    for query, places in zip(queries.tolist(), near.places.tolist(), strict=True):
        first = Picture(picture(dataset, int(rows[query])), dataset.name(int(rows[query])))
        others = [
            Picture(
                picture(dataset, int(rows[i])),
                dataset.name(int(rows[i])),
                tone="right" if classes[i] == classes[query] else "wrong",
            )
            for i in places
        ]
        strips.append(Pictures([first, *others], dataset.task.target.names[int(classes[query])], "strip"))
    return Section(
        "What lies nearest",
        "On the left an example, then the others by increasing distance: a blue bar below those of the "
        "same class, an orange one below the others.",
        strips,
    )


def _figures_section(found: Recall, pixels: Recall, verified: Verification) -> Section:
    rows: list[list[Cell]] = [
        [
            f"one of the same class among the {count} nearest" if count > 1 else "the nearest is of the same class",
            percent(found.shares[count]),
            percent(pixels.shares[count]),
        ]
        for count in COUNTS
    ]
    rows.append(["a pair of one class is nearer than a pair of two (area under the curve)", percent(verified.area), ""])
    rows.append(["pairs of one class accepted when 1 % of the others are", percent(verified.true_accepts), ""])
    points = [(100 * false, true) for false, true in verified.curve]
    curve: list[Block] = []
    note: list[Block] = []
    if points:
        lines = [Line("embedding", points), Line("by chance", [(0.0, 0.0), (100.0, 1.0)])]
        across = "% of the other pairs accepted too"
        curve = [Curves("Pairs of one class that are accepted", lines, across, in_percent=True)]
        words = (
            f"{verified.same:,} pairs of one class and {verified.different:,} of two; the squared distance up to "
            f"which 1 % of the latter are accepted is {verified.threshold:.3g}."
        )
        note = [Text(words)]
    return Section(
        "Finding and verifying",
        "Finding: is one of the same class among the nearest others? Verifying: two examples are said to be of one "
        "class where their distance is below a threshold; the curve shows what each threshold accepts.",
        [*curve, Table(("What", "Embedding", "Pixels"), rows), *note],
    )


def _map_section(dataset: Dataset, rows: Tensor, embeddings: Tensor) -> Section:
    """The first classes on the plane of greatest variance."""
    classes = dataset.columns["targets"][rows]
    kinds, counts = torch.unique(classes, return_counts=True)
    kinds = kinds[counts.argsort(descending=True, stable=True)][:MAPPED_CLASSES].sort().values
    if len(embeddings) < 3 or int(counts.max()) < 3:
        return Section("", "", [])
    chosen = torch.isin(classes, kinds).nonzero()[:, 0]
    chosen = chosen[:: -(-len(chosen) // MAPPED)]
    places = principal_plane(embeddings[chosen])
    names = [dataset.task.target.names[kind] for kind in kinds.tolist()]
    groups = [[(x, y) for x, y in places[classes[chosen] == kind].tolist()] for kind in kinds.tolist()]
    return Section(
        "A map of the embedding",
        "The two directions in which the embeddings differ most (PCA), of the classes with the most examples. The "
        "embedding has more directions than two, so what is separate here is separate, but what overlaps may not.",
        [Scatter("Each dot an example, in the colour of its class", groups, names, bare=True)],
    )
