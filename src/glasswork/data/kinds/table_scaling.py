"""What the columns of a table are scaled by, and what stands for the cells that nobody knows."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from glasswork.data.kinds.columns import Column, spans

MARK_DEVIATION = 0.5
TAILS = 5.0  # deviations; one slip of the point in a thousand rows would otherwise decide about a whole test set


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


class TableScaler(nn.Module):
    """Scales features, and settles those that are unknown or far from all others.

    What is unknown becomes the training mean, which is 0 after scaling. Unknown are NaN, and every feature of a row's
    column if the row has a category, or an empty cell, that no training row has: the other features of that column
    would say `none of these`, which was never seen either.

    A value z beyond `tails` deviations becomes tails + log(1 + |z| - tails), with the sign of z.

    Args:
        affine: scales by mean and deviation.
        deviation: of each feature.
        columns: whose features they are; empty for a plain array, of which only a table is read later.
        tails: see above; None: values stay as they are.
    """

    def __init__(
        self, affine: nn.Module, deviation: Sequence[float], columns: Sequence[Column], tails: float | None
    ) -> None:
        super().__init__()
        self.affine = affine
        self._tails = tails
        self._unseen: list[tuple[str, int, int]] = []
        for column, (start, end) in zip(columns, spans(columns), strict=True):
            places = [start + place for place in column.marks if deviation[start + place] == 0]
            if places and column.kind != "boolean":
                name = f"unseen_{len(self._unseen)}"
                self.register_buffer(name, torch.tensor(places))
                self._unseen.append((name, start, end))

    def forward(self, raw: Tensor) -> Tensor:
        """Scaled float32 inputs (rows, features), without NaN and without far values."""
        scaled: Tensor = self.affine(raw)
        scaled.nan_to_num_(nan=0.0, posinf=torch.inf, neginf=-torch.inf)
        for name, start, end in self._unseen:
            rows = (raw[:, self.get_buffer(name)] == 1).any(1)
            scaled[:, start:end].masked_fill_(rows[:, None], 0.0)
        if self._tails is None:
            return scaled
        beyond = scaled.abs() - self._tails
        far = scaled.sign() * (self._tails + beyond.clamp_min(0.0).log1p())
        return torch.where(beyond > 0, far, scaled)
