"""Where training starts from if it goes on with another run: its weights, its kinds, and what it has seen."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from glasswork.data.dataset import Dataset
from glasswork.data.fingerprint import Fingerprint
from glasswork.data.kinds.require import align
from glasswork.data.kinds.task import Task
from glasswork.data.splits import Splits
from glasswork.errors import GlassworkError
from glasswork.systems.system import Remarks, System, read_split


@dataclass(frozen=True)
class Start:
    """A finished run that is trained on.

    Attributes:
        run: its name.
        task: of its model: inputs and targets are scaled, and classes and words numbered, as there.
        weights: of its model.
        fingerprint: of its data.
        seen: fingerprints of the examples that it was trained on, int64.
    """

    run: str
    task: Task
    weights: Mapping[str, Tensor]
    fingerprint: Fingerprint
    seen: Tensor

    def read(self, system: System, place: str | None = None) -> tuple[Dataset, Splits]:
        """The data of a recipe under the task of the run; what the run was trained on is held out nowhere.

        Args:
            system: reads it.
            place: where it is; None: where the recipe says.

        Raises:
            GlassworkError: if the data does not fit the run.
        """
        same = self._read_same(system, place)
        if same is not None:
            dataset, splits = same
        else:
            dataset, splits = read_split(system, place, self.task)
            dataset = align(dataset, self.task)
        if Fingerprint.of(dataset, splits) == self.fingerprint:
            return dataset, splits
        return self._without_seen(dataset, splits)

    def _read_same(self, system: System, place: str | None) -> tuple[Dataset, Splits] | None:
        """The data as the run read it, if it is the run's own; else None."""
        try:
            dataset, splits = read_split(system, place)
        except GlassworkError:  # the task of the run may be what it lacks
            return None
        found = Fingerprint.of(dataset, splits)
        if replace(found, splits=self.fingerprint.splits) != self.fingerprint:
            return None
        return dataset.with_task(self.task), splits

    def _without_seen(self, dataset: Dataset, splits: Splits) -> tuple[Dataset, Splits]:
        """The examples, divided so that those which the run was trained on train again; a note says how many."""
        prints = dataset.columns["fingerprints"]
        known = {name: torch.isin(prints[rows], self.seen) for name, rows in splits.named().items()}
        moved = torch.cat([splits.validation[known["validation"]], splits.test[known["test"]]])
        if not len(moved):
            return dataset, splits
        training = torch.cat([splits.training, moved]).sort().values
        sentence = (
            f"{len(moved):,} of the examples that would be held out were trained on by {self.run}: they train again, "
            "so that the figures are about examples that neither run has seen."
        )
        apart = Splits(training, splits.validation[~known["validation"]], splits.test[~known["test"]])
        return replace(dataset, skipped=(*dataset.skipped, sentence)), apart

    def load(self, network: nn.Module) -> None:
        """Puts the run's weights into a network.

        Raises:
            GlassworkError: if they do not fit.
        """
        try:
            network.load_state_dict(dict(self.weights))
        except RuntimeError as error:
            raise GlassworkError(
                f"The weights of {self.run} do not fit the network of this recipe: "
                f"{str(error).splitlines()[-1].strip()}"
            ) from None

    @property
    def remarks(self) -> Remarks:
        """Sentences about it, for the report."""
        return (f"it began with the weights of {self.run}, and scales inputs and targets as that run did",)
