"""Label errors: which labels of a data set are probably wrong, by networks that were not trained on them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from glasswork.data.dataset import Dataset
from glasswork.data.folds import groups_of, hold_out, make_folds
from glasswork.data.kinds.kind import Inputs, Target
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.require import require
from glasswork.data.pictures import picture
from glasswork.data.splits import Splits
from glasswork.errors import GlassworkError
from glasswork.report.blocks import Picture, Pictures, Remark, Table, Text
from glasswork.report.csv_text import csv_text
from glasswork.report.report import Headline, Report, Section
from glasswork.report.words import number, percent
from glasswork.run.in_memory import fit_in_memory
from glasswork.run.prepare import read
from glasswork.run.request import Request, make_request
from glasswork.run.suggest import suggest
from glasswork.studies.options import LabelErrorsOptions
from glasswork.studies.study import Asked, Progress, Running
from glasswork.studies.trained import plain_execution
from glasswork.systems.evaluation import outputs_on
from glasswork.systems.supervised.system import Supervised

JUDGES = ("supervised", "transfer")
"""Systems whose networks answer each example with a probability of each class."""
LEAST_RIGHT = 0.7
"""Share of labels that networks have to answer as given before what they say of the others is believed."""
READ_ONLY = "Drawn by Glasswork; the data was read and not changed."
PICTURES = 60
"""As many suspects come with a picture."""
SHOWN, MOST_ROWS, MOST_PAIRS = 20, 500, 30
"""Suspects on a terminal and on a page, and pairs of labels."""
COLUMNS = ("row", "name", "given", "suggested", "given_probability", "suggested_probability", "margin")
SLACK = 1e-6  # a probability equal to its class's mean, but for rounding, reaches the threshold


@dataclass(frozen=True)
class Confidence:
    """What out-of-fold probabilities say about given labels.

    Attributes:
        thresholds: t_j, the mean probability of class j over the examples labelled j, (classes,).
        counts: C, the confident joint: how many examples labelled i are confidently of class j, int64
            (classes, classes).
        joint: Q, the estimated joint distribution of given and true labels: C with rows brought to how often each label
            was given, then to a sum of 1.
        self_confidence: probability of the given label, (examples,).
        margin: that less the greatest probability of another class, from -1 to 1, (examples,).
        suspects: the examples whose labels are probably wrong, lowest margin first, int64.
    """

    thresholds: Tensor
    counts: Tensor
    joint: Tensor
    self_confidence: Tensor
    margin: Tensor
    suspects: Tensor

    @property
    def wrong_share(self) -> float:
        """The estimated share of wrong labels: what lies off the diagonal of Q."""
        return float(1 - self.joint.diagonal().sum())


def confident_learning(probabilities: Tensor, labels: Tensor) -> Confidence:
    """Finds labels that are probably wrong.

    An example labelled i counts into C_ij where j is its most probable class among those k that are at least as
    probable as usual for their own examples, p_k(x) >= t_k (equation 1). C, calibrated, says how many labels of each
    class are wrong. Suspects are as many of its examples with the lowest self-confidence (in the paper "prune by
    class"), without those whose label is the most probable class all the same.

    Args:
        probabilities: (examples, classes), each row from a model that was not fitted to that example.
        labels: the given labels, int64 (examples,).

    Returns:
        Thresholds, joint and suspects. A class without examples has the threshold 1.
    """
    examples, classes = probabilities.shape
    chances = probabilities.double()
    given = chances.gather(1, labels[:, None])[:, 0]  # p_(y~)(x)
    totals = torch.bincount(labels, minlength=classes)
    sums = torch.zeros(classes, dtype=torch.float64).index_add(0, labels, given)
    thresholds = torch.where(totals > 0, sums / totals.clamp_min(1), 1.0)
    reached = chances >= thresholds - SLACK  # (examples, classes)
    confident = reached.any(1)
    likely = chances.masked_fill(~reached, -1.0).argmax(1)
    places = (labels * classes + likely)[confident]
    counts = torch.bincount(places, minlength=classes * classes).reshape(classes, classes)
    joint = _calibrate(counts, totals) / max(1, examples)
    margin = given - chances.scatter(1, labels[:, None], -1.0).amax(1)
    wrong = (totals - joint.diagonal() * examples).round().long()
    suspects = _least_confident(given, labels, wrong)
    suspects = suspects[margin[suspects] < 0]
    return Confidence(thresholds, counts, joint, given, margin, suspects[margin[suspects].argsort(stable=True)])


def _calibrate(counts: Tensor, totals: Tensor) -> Tensor:
    """C with each row brought to how many examples have that label; a row of nothing goes to the diagonal."""
    filled = counts.double() + torch.diag((counts.sum(1) == 0).double())
    return filled / filled.sum(1, keepdim=True) * totals[:, None]


def _least_confident(given: Tensor, labels: Tensor, wrong: Tensor) -> Tensor:
    """Of each class so many examples as `wrong` says, those with the lowest self-confidence."""
    found = []
    for label, count in enumerate(wrong.tolist()):
        rows = (labels == label).nonzero()[:, 0]
        found.append(rows[given[rows].argsort(stable=True)[:count]])
    return torch.cat(found)


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
        wrong_share: the estimated share of wrong labels; None: the networks are too often wrong themselves to say.
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
    wrong_share: float | None
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

    def report(self, csv: str = "") -> Report:
        """The suspects with their pictures, and which labels are mistaken for which."""
        count = len(self.suspects)
        if self.wrong_share is None:
            return Report(
                f"Labels of {self.source}",
                [],
                headline=Headline(percent(self.accuracy), "answered as labelled", "too few to judge labels by"),
                verdict=_undecided(self),
                summary=_summary(self, csv),
                footer=READ_ONLY,
            )
        how = f"{self.preset} was trained {self.folds} times, each time on all of the data except one part"
        verdict = (
            f"{how}. Each network predicted examples that it had not seen, and gave {percent(self.accuracy)} of them "
            "their given label."
        )
        if self.disagreeing_copies:
            verdict += f" {number(self.disagreeing_copies)} examples have an exact copy under another label."
        return Report(
            f"Labels of {self.source}",
            [_seen(self), _mistaken(self), _list_all(self, csv)],
            headline=Headline(
                number(count),
                f"suspect{'' if count == 1 else 's'}",
                f"of {number(self.examples)} labels; about {percent(self.wrong_share)} are estimated to be wrong",
            ),
            verdict=verdict,
            summary=_summary(self, csv),
            footer=f"{READ_ONLY} Look at each suspect before you change a label.",
        )

    def to_csv(self) -> str:
        """A line for each suspect."""
        rows = [[getattr(suspect, column) for column in COLUMNS] for suspect in self.suspects]
        return csv_text([COLUMNS, *rows], line_end="\n")


class Labelled:
    """What is searched."""

    takes: ClassVar[tuple[type[Inputs], ...]] = Supervised.takes
    answers: ClassVar[tuple[type[Target], ...]] = (OneClass,)
    wanted: ClassVar[tuple[str, str]] = ("Label errors are looked for where each example has one class",) * 2


@dataclass(frozen=True)
class Search:
    """Data whose labels are to be looked at, read, and what is trained on it."""

    order: Request
    dataset: Dataset
    folds: int


def label_errors(options: LabelErrorsOptions, asked: Asked) -> Running[LabelErrors]:
    """Trains on all parts of a data set but one, asks about that one, and does so for each (Northcutt et al. 2021).

    The data is only read. Equal examples stay in one part, so that no copy of a judged example is trained on.

    Raises:
        GlassworkError: for targets that are no classes, too few examples of one, or what does not fit together.
    """
    search = begin_search(options.data, options.preset, options.folds, asked.values)
    name, answers = search.order.preset, []
    yield Progress(0, search.folds, f"{name}, fold 1 of {search.folds}")
    for answer in answer_folds(search):
        answers.append(answer)
        number = min(len(answers) + 1, search.folds)
        yield Progress(len(answers), search.folds, f"{name}, fold {number} of {search.folds}")
    return conclude(search, answers)


def begin_search(data: str, preset: str | None, folds: int, values: Mapping[str, Any] | None) -> Search:
    """Reads the data.

    Raises:
        GlassworkError: for targets that are no classes, or what does not fit together.
    """
    asked = {**(values or {}), "data": data}
    ordered = make_request(preset or suggest(asked).preset, asked)
    if ordered.system not in JUDGES:
        raise GlassworkError(
            f"The preset {ordered.preset} has its own training algorithm: use mlp, linear, lenet, transfer or own"
        )
    dataset = read(ordered)
    require(dataset, Labelled)
    return Search(ordered, dataset, folds)


def answer_folds(search: Search) -> Iterator[tuple[Tensor, Tensor]]:
    """Each fold's rows, int64, and their probabilities, (rows, classes), from a network that was trained without them.

    Raises:
        GlassworkError: for a class with fewer examples than folds.
    """
    ordered, dataset = search.order, search.dataset
    recipe, machine = ordered.learning, ordered.machine
    execution = plain_execution(machine)
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
    accuracy = float((chances.argmax(1) == labels).double().mean())
    is_judge = accuracy >= LEAST_RIGHT
    kinds, first = _copies(dataset)
    return LabelErrors(
        source=dataset.source,
        preset=search.order.preset,
        folds=search.folds,
        examples=len(labels),
        accuracy=accuracy,
        wrong_share=found.wrong_share if is_judge else None,
        classes=classes,
        thresholds=tuple(found.thresholds.tolist()),
        joint=tuple(tuple(row) for row in found.counts.tolist()),
        disagreeing_copies=_disagreeing(kinds, first, labels),
        suspects=tuple(
            _suspect(dataset, found, chances, place, row)
            for place, row in enumerate(found.suspects.tolist() if is_judge else ())
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


def _undecided(found: LabelErrors) -> str:
    return (
        f"These labels cannot be judged: {found.preset}, trained {found.folds} times on all parts of the data but one, "
        f"gave only {percent(found.accuracy)} of the examples their label, and at least {percent(LEAST_RIGHT)} are "
        "needed to tell wrong labels from wrong networks. Try another --preset, or give more examples."
    )


def _summary(found: LabelErrors, csv_name: str) -> list[Text | Table]:
    if found.wrong_share is None:
        said = [_undecided(found)]
    else:
        said = [
            f"suspects: {len(found.suspects):,} of {found.examples:,} labels; about {percent(found.wrong_share)} are "
            f"estimated to be wrong ({found.preset}, {found.folds} folds; {percent(found.accuracy)} answered as "
            "labelled)"
        ]
    if found.disagreeing_copies:
        said.append(f"{found.disagreeing_copies:,} examples have an exact copy under another label")
    rows = [(one.name, one.given, one.suggested, percent(one.suggested_probability)) for one in found.suspects[:SHOWN]]
    table = [Table(("example", "label", "looks like", "probability"), rows)] if rows else []
    rest = len(found.suspects) - SHOWN
    more = [Text(f"{rest:,} more: write them all with --csv FILE.csv")] if rest > 0 and not csv_name else []
    return [*map(Text, said), *table, *more]


def _seen(found: LabelErrors) -> Section:
    """The suspects that have pictures, with both labels below each."""
    pictures = [
        Picture(
            one.png,
            one.name,
            [
                Remark("label", one.given, "wrong"),
                Remark("looks like", one.suggested),
                Remark(_chance(one.suggested_probability), tone="quiet"),
            ],
        )
        for one in found.suspects
        if one.png
    ]
    return Section(
        "The most suspicious",
        "The label of each image, and the prediction of a network that was not trained on it. The least probable "
        "labels come first.",
        [Pictures(pictures, look="gallery")],
    )


def _mistaken(found: LabelErrors) -> Section:
    counts = Counter((one.given, one.suggested) for one in found.suspects)
    rows = [(given, suggested, count) for (given, suggested), count in counts.most_common(MOST_PAIRS)]
    return Section(
        "Which labels are mistaken for which",
        "How many suspects have the first label and look like the second class.",
        [Table(("Label", "Looks like", "Suspects"), rows)],
    )


def _list_all(found: LabelErrors, csv_name: str) -> Section:
    rows = [
        (one.name, one.given, _chance(one.given_probability), one.suggested, _chance(one.suggested_probability))
        for one in found.suspects[:MOST_ROWS]
    ]
    rest = len(found.suspects) - len(rows)
    notes = [f"{number(rest)} more are not listed here."] if rest else []
    notes += [f"All of them are in {csv_name}."] if csv_name else []
    return Section(
        "All suspects",
        "Most suspicious first, with the probability of the label and of the class that each looks like.",
        [Table(("Example", "Label", "Probability", "Looks like", "Probability"), rows), Text(" ".join(notes))]
        if rows
        else [],
    )


def _chance(probability: float) -> str:
    """A probability for people: 99.998 % and 99.9 % look the same to a reader."""
    if probability > 0.9995:
        return f"over {percent(0.999)}"
    return percent(probability) if probability >= 0.001 else f"under {percent(0.001)}"
