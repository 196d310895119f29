"""The alarm `differs`: silent on rounding, however small the numbers that it leaves; loud on planted faults."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from glasswork.glassbox.trace.calls import Known
from glasswork.glassbox.trace.opening import open_network
from glasswork.glassbox.trace.recognise import READERS
from glasswork.textbook.operation import Operation

DTYPES = (torch.float32, torch.bfloat16)


class _Applied(nn.Module):
    """A function of the input times a weight."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function, self.weight = function, nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x * self.weight)


SATURATED: dict[str, Callable[[Tensor], Tensor]] = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "gelu": F.gelu,
    "silu": F.silu,
    "mish": F.mish,
    "elu": F.elu,
    "softplus": F.softplus,
    "log sigmoid": F.logsigmoid,
    "softmax": lambda x: F.softmax(x, -1),
    "log softmax": lambda x: F.log_softmax(x, -1),
    "one unit normalized": lambda x: F.layer_norm(x[:, :1], (1,)),
    "attention over one key": lambda x: F.scaled_dot_product_attention(x[None], x[None, :1], x[None, :1])[0],
    "two examples normalized": lambda x: F.batch_norm(x[:2], None, None, training=True),
}


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", SATURATED)
def test_rounding_beside_large_numbers_is_no_difference(name: str, dtype: torch.dtype) -> None:
    function = SATURATED[name]
    for seed, scale in enumerate((1, 6, 30)):
        x = (torch.randn(4, 6, generator=torch.Generator().manual_seed(seed)) * scale).to(dtype)
        trace = open_network(
            _Applied(function).to(dtype), x, target=torch.zeros_like(function(x)), loss="squared-error"
        )
        assert not trace.differing, trace.remarks


def test_a_sure_and_right_answer_is_no_difference() -> None:
    layer = nn.Linear(2, 2)
    with torch.no_grad():
        layer.weight.copy_(7 * torch.eye(2))
        layer.bias.zero_()
    trace = open_network(layer, torch.tensor([[1.0, -1.0]]), target=0)
    assert [operation.verdict for operation in trace.operations] == ["equal", "equal"]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("layer", [nn.LSTM, nn.GRU, nn.RNN], ids=["lstm", "gru", "rnn"])
def test_long_recurrences_are_no_difference(layer: Any, dtype: torch.dtype) -> None:
    torch.manual_seed(0)

    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = layer(6, 5, num_layers=2, batch_first=True, bidirectional=True)

        def forward(self, x: Tensor) -> Tensor:
            return cast(Tensor, self.layer(x)[0])

    network = Last().to(dtype)
    with torch.no_grad():
        for weight in network.parameters():
            weight.mul_(4)
    x = torch.randn(2, 12, 6).to(dtype)
    assert not open_network(network, x, target=torch.zeros(2, 12, 10), loss="squared-error").differing


def test_a_weight_used_three_times_under_autocast_is_no_difference() -> None:
    torch.manual_seed(0)

    class Thrice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.head = nn.Linear(8, 8), nn.Linear(8, 3)

        def forward(self, x: Tensor) -> Tensor:
            with torch.autocast("cpu", torch.bfloat16):
                for _ in range(3):
                    x = torch.tanh(self.layer(x))
                return cast(Tensor, self.head(x).float())

    trace = open_network(Thrice(), torch.randn(5, 8), target=torch.tensor([0, 1, 2, 0, 1]))
    assert [operation.verdict for operation in trace.operations if operation.call == "linear"] == ["equal"] * 4


def _largest_missing(gradient: Tensor) -> Tensor:
    flat = gradient.clone().reshape(-1)
    flat[flat.abs().argmax()] = 0
    return flat.reshape(gradient.shape)


FAULTS: dict[str, Callable[[Tensor], Tensor]] = {
    "one percent too large": lambda gradient: gradient * 1.01,
    "a term missing": _largest_missing,
    "a wrong axis": lambda gradient: gradient.roll(1, -1),
    "transposed": lambda gradient: (
        gradient.mT if gradient.dim() > 1 and gradient.shape[-1] == gradient.shape[-2] else gradient.flip(0).roll(1, 0)
    ),
}


def _planted(reader: Any, fault: Callable[[Tensor], Tensor]) -> Any:
    """The reader of a function, whose operation has a fault in the gradient of every operand."""

    def wrong(operation: Operation) -> Operation:
        def backward(self: Any, upstream: Any, *tensors: Any) -> tuple[Tensor | None, ...]:
            right: tuple[Tensor | None, ...] = operation.backward(upstream, *tensors)
            return tuple(None if gradient is None else fault(gradient) for gradient in right)

        kind = type(type(operation).__name__, (type(operation),), {"backward": backward})
        return cast(Operation, kind(**{each.name: getattr(operation, each.name) for each in fields(operation)}))

    def read(entry: Any, *arguments: Any, **options: Any) -> Any:
        found = reader(entry, *arguments, **options)
        return Known(wrong(found.operation), found.operands, found.without) if isinstance(found, Known) else found

    return read


class _Mixed(nn.Module):
    """One of each operation that is looked at, on square shapes, so that a transposed gradient fits."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.square, self.scale, self.head = nn.Linear(6, 6), nn.LayerNorm(6), nn.Linear(6, 3)
        self.memory = nn.LSTM(6, 6, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        x = F.gelu(self.norm(self.conv(x))).mean(1)
        x = torch.tanh(self.square(x)) + x
        x = F.scaled_dot_product_attention(x, x, x)
        x = self.memory(self.scale(x))[0]
        return cast(Tensor, self.head(torch.softmax(x, -1).amax(1)))


PLANTED = [
    "conv2d", "batch_norm", "gelu", "linear", "tanh", "layer_norm", "scaled_dot_product_attention", "lstm", "softmax",
    "cross_entropy",
]  # fmt: skip


@pytest.fixture(scope="module", params=["untrained", "trained"])
def mixed(request: pytest.FixtureRequest) -> tuple[_Mixed, Tensor, Tensor]:
    torch.manual_seed(0)
    network, x, y = _Mixed(), torch.randn(6, 1, 6, 6), torch.arange(6) % 3
    optimizer = torch.optim.Adam(network.parameters(), 0.03)
    for _ in range(60 if request.param == "trained" else 0):
        optimizer.zero_grad()
        F.cross_entropy(network(x), y).backward()
        optimizer.step()
    return network.train(), x, y


def test_a_network_without_faults_is_equal(mixed: tuple[_Mixed, Tensor, Tensor]) -> None:
    network, x, y = mixed
    trace = open_network(network, x, target=y)
    assert not trace.differing and not trace.unknown


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_found(
    name: str, fault: str, mixed: tuple[_Mixed, Tensor, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    network, x, y = mixed
    monkeypatch.setitem(READERS, name, _planted(READERS[name], FAULTS[fault]))
    found = {operation.call for operation in open_network(network, x, target=y).differing}
    assert found == {name}
