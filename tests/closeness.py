"""When two ways to the same numbers agree: another kernel, another library, another order of summation."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Numbers = Tensor | npt.NDArray[np.float32] | Sequence[float] | Sequence[Sequence[float]]


def assert_same_numbers(got: Numbers, expected: Numbers, relative: float = 1e-5, least: float = 0.0) -> None:
    """No number differs by more than `relative` times the largest of those expected.

    A sum of float32 comes out a little different on every kind of processor. How much depends on the size of its terms
    and not on its own: numbers near 0 beside large ones are as far off as the large ones. So they are compared relative
    to the largest of the tensor, and not each by itself or by a fixed distance.

    Args:
        got: what is tested.
        expected: of the same shape.
        relative: the greatest difference, as a share.
        least: what the share is taken of if the largest number is smaller, because the terms are of this size.
    """
    found, wanted = _in_double(got), _in_double(expected)
    largest = max(least, float(wanted.abs().max())) if wanted.numel() else least
    torch.testing.assert_close(found, wanted, rtol=0, atol=relative * largest)


def _in_double(numbers: Numbers) -> Tensor:
    return torch.as_tensor(numbers.detach().cpu() if isinstance(numbers, Tensor) else np.asarray(numbers)).double()
