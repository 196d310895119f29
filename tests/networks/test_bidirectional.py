"""Reading both ways: equal to torch's own where nothing is padded, and blind to padding."""

import pytest
import torch

from closeness import assert_same_numbers
from glasswork.networks.bidirectional import Bidirectional, TokenDropout, reverse
from glasswork.networks.recurrent import CELLS, Recurrent
from glasswork.systems.sentiment.network import TextClassifier


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", [1, 3])
def test_rows_without_padding_are_read_as_torch_reads_them(cell: str, layers: int) -> None:
    torch.manual_seed(0)
    ours, theirs = Bidirectional(cell, 3, 4, layers), Recurrent(cell, 3, 4, layers, bidirectional=True)
    with torch.no_grad():
        for layer in range(layers):
            for direction, readers in enumerate((ours.forwards, ours.backwards)):
                for to, given in zip(readers[layer].weights_of(0), theirs.weights_of(layer, direction), strict=True):
                    to.copy_(given)
    inputs = torch.randn(2, 6, 3)
    assert_same_numbers(ours(inputs, torch.tensor([6, 6])), theirs(inputs)[0])


def test_a_row_is_turned_around_within_its_length() -> None:
    rows = torch.tensor([[1, 2, 3, 0], [4, 5, 6, 7]])[:, :, None]
    turned = reverse(rows, torch.tensor([3, 4]))
    assert turned[:, :, 0].tolist() == [[3, 2, 1, 0], [7, 6, 5, 4]]
    assert torch.equal(reverse(turned, torch.tensor([3, 4])), rows)


def test_padding_and_companions_change_nothing() -> None:
    torch.manual_seed(0)
    network = TextClassifier("lstm", 9, 3, 5, 4, 2, 0.5, 0.5).eval()
    long, short = torch.randint(0, 9, (7,)), torch.randint(0, 9, (2,))
    together = torch.stack([long, torch.cat([short, torch.full((5,), -1)])])
    assert_same_numbers(network(together), torch.cat([network(long[None]), network(short[None])]))


def test_dropped_tokens_become_unknown_and_padding_stays() -> None:
    torch.manual_seed(0)
    tokens = torch.cat([torch.full((1, 1000), 7), torch.full((1, 500), -1)], 1)
    dropped = TokenDropout(0.3)(tokens)
    assert set(dropped[0, :1000].tolist()) == {0, 7}
    assert 250 < int((dropped == 0).sum()) < 350
    assert torch.equal(dropped[0, 1000:], tokens[0, 1000:])
    assert torch.equal(TokenDropout(0.3).eval()(tokens), tokens)
