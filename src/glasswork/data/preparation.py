"""What the columns of a table are scaled by, and what stands for the cells that nobody knows."""

from collections.abc import Sequence

import torch
from torch import Tensor

from glasswork.data.columns import Column, spans

MARK_DEVIATION = 0.5


def column_moments(inputs: Tensor, columns: Sequence[Column]) -> tuple[Tensor, Tensor]:
    """Mean and deviation per feature of a table over its training rows; NaN counts nowhere.

    Numbers come to deviation 1. Features of 0 and 1 are divided by 1/2, so that those of a rare category do not become
    huge (Gelman 2008, Scaling regression inputs by dividing by two standard deviations). A feature that is the same in
    every row gets deviation 0, which stands for: nothing was learnt about it.

    Args:
        inputs: float64 (rows, features) of the training rows.
        columns: whose features they are.

    Returns:
        Two tensors of shape (features,).
    """
    known = ~inputs.isnan()
    count = known.sum(0).clamp_min(1)
    mean = inputs.nan_to_num(0.0).sum(0) / count
    deviation = (inputs - mean).nan_to_num(0.0).square().sum(0).div(count).sqrt()
    varies = deviation > 1e-12 * mean.abs().clamp_min(1e-12)
    for column, (start, _) in zip(columns, spans(columns), strict=True):
        deviation[[start + place for place in column.marks]] = MARK_DEVIATION
    return mean, torch.where(varies, deviation, 0.0)


class Unknown:
    """Puts the training mean, which is 0 after scaling, in the place of what nobody knows.

    Unknown are NaN, and every feature of a row's column where the row has a category, or an empty cell, that no
    training row has: the other features of that column would say `none of these`, which was never seen either.

    Args:
        columns: whose features the inputs are.
        deviation: of each feature; 0 for those that are the same in every training row.
        device: where the inputs are.
    """

    def __init__(self, columns: Sequence[Column], deviation: Sequence[float], device: str) -> None:
        self._unseen: list[tuple[Tensor, int, int]] = []
        for column, (start, end) in zip(columns, spans(columns), strict=True):
            places = [start + place for place in column.marks if deviation[start + place] == 0]
            if places and column.kind != "boolean":
                self._unseen.append((torch.tensor(places, device=device), start, end))

    def settled(self, raw: Tensor, scaled: Tensor) -> Tensor:
        """Scaled inputs without NaN, changed in place.

        Args:
            raw: the inputs as they were read, (rows, features).
            scaled: the same, scaled.
        """
        scaled.nan_to_num_(nan=0.0, posinf=torch.inf, neginf=-torch.inf)
        for places, start, end in self._unseen:
            rows = (raw[:, places] == 1).any(1)
            scaled[:, start:end].masked_fill_(rows[:, None], 0.0)
        return scaled
