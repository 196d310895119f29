"""Formulas with numbers put in read as on the slides."""

from typing import Any

import pytest
import torch

from glasswork.textbook import operation


@pytest.mark.parametrize(
    ("name", "inputs", "settings", "words"),
    [
        ("hinge", ([[3.2, 5.1, -1.7]], [0]), {}, "max(0, 5.1 - 3.2 + 1) + max(0, (-1.7) - 3.2 + 1)"),
        ("cross_entropy", ([[3.2, 5.1, -1.7]], [0]), {}, "-log(exp(3.2) / (exp(3.2) + exp(5.1) + exp(-1.7)))"),
        ("squared_error", ([2.0, -1.0], [1.5, 0.5]), {}, "1 / 2 * ((2.0 - 1.5) ** 2 + ((-1.0) - 0.5) ** 2)"),
        ("l2", ([[2.0, -1.0]],), {"strength": 0.1}, "0.1 * (2.0 ** 2 + (-1.0) ** 2)"),
        ("mean", ([1.0] * 20,), {}, "(1.0 + 1.0 + 1.0 + ... 16 more ... + 1.0) / 20"),
    ],
)
def test_numbers_stand_as_on_the_slide(name: str, inputs: Any, settings: dict[str, Any], words: str) -> None:
    def write(value: Any) -> str:
        number = round(float(value), 6)
        return str(number) if number >= 0 else f"({number})"

    assert operation(name, **settings).worked(write, (), *map(torch.tensor, inputs)) == words
