"""How the learning rate goes over a run: factors of its highest value, as functions of progress from 0 to 1."""

import math
from collections.abc import Callable

PEAK = 0.25


def one_cycle(progress: float) -> float:
    """Linear from 1/10 up to 1 over the first quarter, then linear down to 0 (Smith, Super-Convergence, 2018)."""
    if progress < PEAK:
        return 0.1 + 0.9 * progress / PEAK
    return max(0.0, (1 - progress) / (1 - PEAK))


def cosine(progress: float) -> float:
    """Half a cosine from 1 to 0 (Loshchilov and Hutter, SGDR, 2017)."""
    return 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


def step(progress: float) -> float:
    """1, a tenth from half of the run, a hundredth from three quarters."""
    return 1.0 if progress < 0.5 else 0.1 if progress < 0.75 else 0.01


def constant(progress: float) -> float:
    """1 throughout: the lecture's gradient descent."""
    return 1.0


LEAST_SHARE = 1e-7


def range_test(progress: float) -> float:
    """Grows from 1e-7 to 1, by the same factor at every step: for the test of rates, no run (Smith 2015)."""
    return float(LEAST_SHARE ** (1 - progress))


SCHEDULES: dict[str, Callable[[float], float]] = {
    "one-cycle": one_cycle,
    "cosine": cosine,
    "step": step,
    "constant": constant,
    "range-test": range_test,
}

PEAKS: dict[str, float] = {"one-cycle": PEAK, "cosine": 0.0, "step": 0.0, "constant": 0.0, "range-test": 1.0}
"""The progress at which a schedule is highest; early stopping counts only after it."""
