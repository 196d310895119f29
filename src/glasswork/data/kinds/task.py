"""A task: what the inputs are, and what is predicted from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from glasswork.data.dataset import Dataset
from glasswork.data.kinds.audio import Audio
from glasswork.data.kinds.boxes import Boxes
from glasswork.data.kinds.clips import Clips
from glasswork.data.kinds.images import Images
from glasswork.data.kinds.kind import Inputs, Target
from glasswork.data.kinds.labels import Labels
from glasswork.data.kinds.next_token import NextToken
from glasswork.data.kinds.numbers import Numbers
from glasswork.data.kinds.one_class import OneClass
from glasswork.data.kinds.per_step import PerStep
from glasswork.data.kinds.quantiles import Quantiles
from glasswork.data.kinds.series import Series
from glasswork.data.kinds.table import Table
from glasswork.data.kinds.text import Text, Texts
from glasswork.data.kinds.token_sequence import TokenSequence

INPUTS: dict[str, type[Inputs]] = {kind.tag: kind for kind in (Images, Table, Text, Texts, Clips, Series, Audio)}
TARGETS: dict[str, type[Target]] = {
    kind.tag: kind for kind in (OneClass, Labels, Numbers, NextToken, PerStep, Quantiles, TokenSequence, Boxes)
}


@dataclass(frozen=True)
class Task:
    """The kinds of a data set's columns.

    Attributes:
        inputs: what the column `inputs` means.
        target: what the column `targets` means.
    """

    inputs: Inputs
    target: Target

    def fit(self, dataset: Dataset, rows: Tensor) -> "Task":
        """The task with what inputs and targets are scaled by, found on the training `rows`."""
        return Task(self.inputs.fit(dataset, rows), self.target.fit(dataset, rows))

    def to_json(self) -> dict[str, Any]:
        """The task as plain JSON types; `from_json` turns it back."""
        return {"inputs": self.inputs.to_json(), "target": self.target.to_json()}

    @classmethod
    def from_json(
        cls,
        data: Mapping[str, Mapping[str, Any]],
        takes: Sequence[type[Inputs]] = (),
        answers: Sequence[type[Target]] = (),
    ) -> "Task":
        """The task that `to_json` wrote.

        Args:
            data: plain JSON types.
            takes: kinds of inputs beside our own, such as those of the user's own system.
            answers: kinds of targets beside our own.
        """
        inputs, target = data["inputs"], data["target"]
        kinds = INPUTS | {kind.tag: kind for kind in takes}
        targets = TARGETS | {kind.tag: kind for kind in answers}
        return cls(kinds[inputs["tag"]].from_json(inputs), targets[target["tag"]].from_json(target))
