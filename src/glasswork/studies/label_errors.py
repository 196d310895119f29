"""Label errors: which labels of a data set are probably wrong, by networks that were not trained on them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from glasswork.data.dataset import Dataset
from glasswork.data.folds import groups_of, hold_out, make_folds
from glasswork.data.pictures import picture
from glasswork.data.splits import Splits
from glasswork.errors import GlassworkError
from glasswork.execution import Execution, choose_device, usable_cores
from glasswork.run.choose import choose_preset
from glasswork.run.in_memory import fit_in_memory
from glasswork.run.prepare import read
from glasswork.run.request import Request, make_request
from glasswork.show.label_errors import SuspectPage, SuspectRow
from glasswork.studies.confident_learning import Confidence, confident_learning
from glasswork.studies.options import LabelErrorsOptions
from glasswork.studies.study import Asked, Progress, Running
from glasswork.systems.evaluation import outputs_on

PICTURES = 60
"""As many suspects come with a picture."""


@dataclass(frozen=True)
class Suspect:
    """One label that is probably wrong.

    Attributes:
        row: the example's place in the data, from 0.
        name: where it came from: a file, a row of a table.
        given: its label.
        suggested: what the network takes it for, the most probable class.
        given_probability: of the given label.
        suggested_probability: of the suggested one.
        margin: `given_probability` less the greatest probability of another class; the lower, the more suspicious.
        png: the example as a picture; empty where it is none, and beyond the first `PICTURES`.
    """

    row: int
    name: str
    given: str
    suggested: str
    given_probability: float
    suggested_probability: float
    margin: float
    png: bytes = b""


@dataclass(frozen=True)
class LabelErrors:
    """What was found in a data set.

    Attributes:
        source: its path or name.
        preset: what was trained.
        folds: into how many parts the data was divided.
        examples: how many labels were looked at.
        accuracy: share of the given labels that the networks answered without having seen the example.
        wrong_share: the estimated share of wrong labels.
        classes: names of the classes.
        thresholds: mean probability of each class over its own examples.
        joint: a row per given label, a column per class: how many examples are confidently of that class.
        disagreeing_copies: examples whose inputs are equal and whose labels are not.
        suspects: most suspicious first.
    """

    source: str
    preset: str
    folds: int
    examples: int
    accuracy: float
    wrong_share: float
    classes: tuple[str, ...]
    thresholds: tuple[float, ...]
    joint: tuple[tuple[int, ...], ...]
    disagreeing_copies: int
    suspects: tuple[Suspect, ...]

    def to_json(self) -> dict[str, Any]:
        """The same as plain JSON types, without the pictures."""
        data = asdict(self)
        for suspect in data["suspects"]:
            del suspect["png"]
        return data

    def page(self, csv: str = "") -> SuspectPage:
        """What is shown of it.

        Args:
            csv: the file with all suspects; empty: there is none.
        """
        counts = Counter((suspect.given, suspect.suggested) for suspect in self.suspects)
        return SuspectPage(
            self.source,
            self.preset,
            self.folds,
            self.examples,
            self.wrong_share,
            self.accuracy,
            [SuspectRow(**vars(suspect)) for suspect in self.suspects],
            [(given, suggested, count) for (given, suggested), count in counts.most_common()],
            self.disagreeing_copies,
            csv,
        )


@dataclass(frozen=True)
class Search:
    """Data whose labels are to be looked at, read, and what is trained on it."""

    order: Request
    dataset: Dataset
    folds: int


def label_errors(options: LabelErrorsOptions, asked: Asked) -> Running[LabelErrors]:
    """Trains on all parts of a data set but one, asks about that one, and does so for each (Northcutt et al. 2021).

    The data is only read. Equal examples stay in one part, so that none is asked about whose copy was seen.

    Raises:
        GlassworkError: for targets that are no classes, too few examples of one, or what does not fit together.
    """
    search = begin_search(options.data, options.preset, options.folds, asked.values)
    name, answers = search.order.preset, []
    yield Progress(0, search.folds, f"{name}, fold 1 of {search.folds}")
    for answer in answered_folds(search):
        answers.append(answer)
        number = min(len(answers) + 1, search.folds)
        yield Progress(len(answers), search.folds, f"{name}, fold {number} of {search.folds}")
    return conclude(search, answers)


def begin_search(data: str, preset: str | None, folds: int, values: Mapping[str, Any] | None) -> Search:
    """Reads the data.

    Args:
        data: a path or a name, with one class per example.
        preset: what to train; None: chosen from the data.
        folds: into how many parts to divide it.
        values: fields of the recipe and of the machine, such as `epochs`.

    Raises:
        GlassworkError: for targets that are no classes, or what does not fit together.
    """
    asked = {**(values or {}), "data": data}
    ordered = make_request(preset or choose_preset(asked), asked)
    if ordered.system != "supervised":
        raise GlassworkError(f"The preset {ordered.preset} learns in a way of its own: use mlp, linear, lenet or own")
    dataset = read(ordered)
    target = dataset.task.target
    if not target.one_class:
        raise GlassworkError(
            f"{data} has targets of kind '{target.word}': label errors are looked for where each example has one class"
        )
    return Search(ordered, dataset, folds)


def answered_folds(search: Search) -> Iterator[tuple[Tensor, Tensor]]:
    """Each fold's rows, int64, and their probabilities, (rows, classes), from a network that was trained without them.

    Raises:
        GlassworkError: for a class with fewer examples than folds.
    """
    ordered, dataset = search.order, search.dataset
    recipe, machine = ordered.recipe, ordered.machine
    execution = Execution(choose_device(machine.device), machine.threads or usable_cores())
    kinds, first = _copies(dataset)
    groups = groups_of(kinds) if len(first) < len(dataset) else None
    rows = torch.arange(len(dataset))
    threads = torch.get_num_threads()
    try:
        for fold in make_folds(dataset, rows, search.folds, recipe.seed, groups=groups):
            torch.set_num_threads(execution.threads)
            training, validation = hold_out(dataset, fold.training, recipe.validation, recipe.seed)
            splits = Splits(training, validation, fold.judged)
            fitted = fit_in_memory(ordered, dataset, splits, execution)
            scores = outputs_on(fitted.network.eval(), fitted.dataset, fold.judged, execution)
            yield (
                fold.judged,
                dataset.task.target.probabilities(scores, fitted.system.objective(dataset.task).name),
            )
    finally:
        torch.set_num_threads(threads)


def _copies(dataset: Dataset) -> tuple[Tensor, Tensor]:
    """For each example which input it has, and for each input the first example that has it."""
    kinds: Tensor = torch.unique(dataset.columns["fingerprints"], return_inverse=True)[1]
    first = torch.full((int(kinds.max()) + 1,), len(kinds)).scatter_reduce(0, kinds, torch.arange(len(kinds)), "amin")
    return kinds, first


def conclude(search: Search, answers: Sequence[tuple[Tensor, Tensor]]) -> LabelErrors:
    """What the answers of all folds say about the labels."""
    dataset = search.dataset
    chances = torch.cat([chances for _, chances in answers])[torch.cat([rows for rows, _ in answers]).argsort()]
    labels, classes = dataset.columns["targets"], dataset.task.target.names
    found = confident_learning(chances, labels)
    kinds, first = _copies(dataset)
    return LabelErrors(
        source=dataset.source,
        preset=search.order.preset,
        folds=search.folds,
        examples=len(labels),
        accuracy=float((chances.argmax(1) == labels).double().mean()),
        wrong_share=found.wrong_share,
        classes=classes,
        thresholds=tuple(found.thresholds.tolist()),
        joint=tuple(tuple(row) for row in found.counts.tolist()),
        disagreeing_copies=_disagreeing(kinds, first, labels),
        suspects=tuple(
            _suspect(dataset, found, chances, place, row) for place, row in enumerate(found.suspects.tolist())
        ),
    )


def _disagreeing(kinds: Tensor, first: Tensor, labels: Tensor) -> int:
    """How many examples have a copy with another label."""
    odd = torch.zeros(len(first), dtype=torch.bool)
    odd[kinds[labels != labels[first[kinds]]]] = True
    return int(odd[kinds].sum())


def _suspect(dataset: Dataset, found: Confidence, chances: Tensor, place: int, row: int) -> Suspect:
    classes, suggested = dataset.task.target.names, int(chances[row].argmax())
    return Suspect(
        row=row,
        name=dataset.name(row),
        given=classes[int(dataset.columns["targets"][row])],
        suggested=classes[suggested],
        given_probability=float(found.self_confidence[row]),
        suggested_probability=float(chances[row, suggested]),
        margin=float(found.margin[row]),
        png=picture(dataset, row) if place < PICTURES else b"",
    )
