"""What a search found: its trials, the best of them, and which fields mattered."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from glasswork.studies.settings import name_of

FINISHED, PRUNED, FAILED, STOPPED = "finished", "pruned", "failed", "stopped"


@dataclass(frozen=True)
class TrialResult:
    """One trial.

    Attributes:
        number: from 1, in the order in which they began.
        state: `finished`; `pruned`, as its figure stayed behind that of others; `failed`, as its loss overflowed, say;
            `stopped`, as the time was over or somebody stopped the search: it is no answer, and made again.
        figure: on the validation examples, of the weights that a run would keep; None where there is none.
        values: of the fields that were searched.
        epochs: epochs made.
        steps: updates made.
        seconds: how long it took.
        reason: why it failed or was stopped; empty else.
    """

    number: int
    state: str
    figure: float | None
    values: Mapping[str, Any]
    epochs: int
    steps: int
    seconds: float
    reason: str

    @property
    def words(self) -> str:
        """The values in words."""
        return name_of(self.values)


@dataclass(frozen=True)
class Tuned:
    """What a search found so far.

    Attributes:
        preset, data: what is trained, on what.
        judge: the figure on the validation examples that trials are compared by.
        smaller_is_better: whether a smaller figure is the better one.
        study: file or address of the study.
        trials: all of them, also those of earlier sittings.
        best: number of the best finished trial; None where none has finished.
        best_so_far: number of each trial that finished, and the best figure until then.
        importance: of each field searched, the share of the differences between trials that goes back to it
            (PED-ANOVA, Watanabe, Bansal and Hutter 2023); empty where too few have finished.
        ranges: what was searched, in words.
        command: trains the best recipe; empty where there is none.
    """

    preset: str
    data: str | None
    judge: str
    smaller_is_better: bool
    study: str
    trials: Sequence[TrialResult]
    best: int | None
    best_so_far: Sequence[tuple[int, float]]
    importance: Mapping[str, float]
    ranges: Mapping[str, str]
    command: str

    def counts(self) -> dict[str, int]:
        """How many trials ended in which way."""
        return {state: sum(one.state == state for one in self.trials) for state in (FINISHED, PRUNED, FAILED, STOPPED)}

    def best_trial(self) -> TrialResult | None:
        """The best finished trial."""
        return next((one for one in self.trials if one.number == self.best), None)

    def to_json(self) -> dict[str, Any]:
        """The same as plain JSON types."""
        return {**asdict(self), "counts": self.counts()}


def best_of(trials: Sequence[TrialResult], smaller_is_better: bool) -> tuple[int | None, list[tuple[int, float]]]:
    """The number of the best finished trial, and the best figure after each that finished."""
    sign = 1 if smaller_is_better else -1
    best: TrialResult | None = None
    curve = []
    for trial in trials:
        if trial.state != FINISHED or trial.figure is None:
            continue
        if best is None or best.figure is None or sign * trial.figure < sign * best.figure:
            best = trial
        assert best.figure is not None
        curve.append((trial.number, best.figure))
    return (best.number if best else None), curve
