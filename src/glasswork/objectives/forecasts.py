"""How good forecasts are, and intervals that hold what they promise (conformal prediction)."""

import math

import torch
from torch import Tensor


def forecast_errors(forecasts: Tensor, truth: Tensor, scales: Tensor) -> dict[str, float]:
    """Figures of point forecasts y of what came, t (Hyndman and Koehler 2006), where it is known: not NaN.

    - `mae`: mean |t - y|, in the series' own unit.
    - `mase`: mean |t - y| / s: 1 is as good as the seasonal-naive forecast was, one season ahead, before the test;
      only where no s is 0.
    - `smape`: mean 2 |t - y| / (|t| + |y|), in per cent.
    - `mape`: mean |t - y| / |t|, in per cent; only where no t is 0.

    Args:
        forecasts: y, (forecasts, horizon).
        truth: t, of the same shape.
        scales: s of the series of each forecast, (forecasts,).

    Returns:
        Name to value.
    """
    known = truth.isfinite()
    y, t = forecasts[known].double(), truth[known].double()
    errors = (t - y).abs()
    sizes = t.abs() + y.abs()
    relative = torch.where(sizes > 0, 2 * errors / sizes.clamp(min=torch.finfo(torch.float64).tiny), 0.0)
    found = {
        "mae": float(errors.mean()),
        "smape": 100 * float(relative.mean()),
    }
    if bool((scales > 0).all()):
        found["mase"] = float((errors / scales.double()[:, None].expand_as(truth)[known]).mean())
    if bool((t != 0).all()):
        found["mape"] = 100 * float((errors / t.abs()).mean())
    return found


def coverage(lower: Tensor, upper: Tensor, truth: Tensor) -> float:
    """The share of values that lie in their intervals, ends included; NaN are none."""
    known = truth.isfinite()
    return float(((lower <= truth) & (truth <= upper))[known].double().mean())


def conformal_margins(quantiles: Tensor, truth: Tensor) -> Tensor:
    """What is added to each quantile so that intervals hold as often as they say (Romano, Patterson and Candes 2019).

    The k-th quantile from below and the k-th from above make an interval that shall hold 1 - a of the values. With
    E_i = max(q_low - t_i, t_i - q_high), how far the i-th value lies outside (below 0: inside), the interval is widened
    on both sides by the ceil((n + 1) (1 - a))-th smallest of the n values E_i. New values of the same kind then lie
    inside with a probability of at least 1 - a, whatever the network's quantiles are worth.

    Args:
        quantiles: (forecasts, horizon, K), K odd, at k / (K + 1), in order.
        truth: (forecasts, horizon), values that were not trained on; NaN are none.

    Returns:
        (K,), the median's margin 0; all 0 if there are no values.
    """
    count, margins, known = quantiles.shape[2], torch.zeros(quantiles.shape[2]), truth.isfinite()
    quantiles, truth = quantiles[known], truth[known]
    if not truth.numel():
        return margins
    for low in range(count // 2):
        high = count - 1 - low
        outside = torch.maximum(quantiles[..., low] - truth, truth - quantiles[..., high]).sort().values
        share = (high - low) / (count + 1)
        rank = min(len(outside), math.ceil((len(outside) + 1) * share))
        margin = outside[rank - 1]
        margins[low], margins[high] = -margin, margin
    return margins
