"""Opening what other people's modules do: nothing ends the whole trace, and the network is left as it was."""

from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from glasswork.errors import GlassworkError
from glasswork.glassbox.trace.opening import open_network
from glasswork.glassbox.trace.trace import Trace


class _Made(nn.Module):
    """A linear layer and a function of what it answers, and of the module."""

    def __init__(self, function: Callable[[Any, Tensor], Any], layer: nn.Module | None = None) -> None:
        super().__init__()
        self.function, self.layer = function, nn.Linear(3, 3) if layer is None else layer

    def forward(self, x: Any, **options: Any) -> Any:
        return self.function(self, self.layer(x), **options)


def _opened(network: nn.Module, x: Any = None, **options: Any) -> Trace:
    x = torch.randn(2, 3, generator=torch.Generator().manual_seed(0)) if x is None else x
    return open_network(network, x, **({"target": torch.tensor([0, 1])} | options))


def test_the_error_of_an_output_is_what_comes_from_outside() -> None:
    torch.manual_seed(0)
    network = _Made(lambda self, pair: pair[0], nn.LSTMCell(3, 4))
    x = torch.randn(2, 3)
    (operation, _) = open_network(network, x, target=torch.tensor([0, 1])).operations
    F.cross_entropy(network(x), torch.tensor([0, 1])).backward()
    shown = {one.source: one.gradient for one in operation.operands}
    for name, weight in network.layer.named_parameters():
        gradient = shown[f"weight layer.{name}"]
        assert gradient is not None and weight.grad is not None and operation.verdict == "equal"
        assert gradient.numbers == pytest.approx(weight.grad.reshape(-1)[: len(gradient.numbers)].tolist(), abs=1e-6)


def test_gradients_that_the_network_takes_itself_do_not_mix_with_those_of_the_loss() -> None:
    torch.manual_seed(0)

    class Slope(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.outer = nn.Linear(1, 8), nn.Linear(8, 1)

        def forward(self, x: Tensor) -> Tensor:
            x = x.requires_grad_()
            y = self.outer(torch.tanh(self.inner(x)))
            return cast(Tensor, torch.autograd.grad(y.sum(), x, create_graph=True)[0] + y)

    trace = open_network(Slope(), torch.randn(5, 1), target=torch.zeros(5, 1), loss="squared-error")
    assert not trace.differing and trace.descent is not None
    assert "takes a gradient through it" in trace.operation("inner").remark


NAMED = namedtuple("NAMED", ["scores", "extra"])


@dataclass
class _Answer:
    other: Tensor
    logits: Tensor


ANSWERS: dict[str, tuple[Callable[[Tensor], Any], Any]] = {
    "dictionary": (lambda x: {"hidden": x * 0, "logits": x}, "logits"),
    "dataclass": (lambda x: _Answer(x * 0, x), "logits"),
    "named tuple": (lambda x: NAMED(x, x * 0), "scores"),
    "tuple": (lambda x: (x * 0, x), 1),
    "function": (lambda x: [x * 0, [x]], lambda answer: answer[1][0]),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_the_loss_is_of_the_part_of_the_answer_that_is_named(name: str) -> None:
    answer, output = ANSWERS[name]
    torch.manual_seed(0)
    network = _Made(lambda self, x: answer(x))
    plain = _opened(_Made(lambda self, x: x, network.layer))
    chosen = _opened(network, output=output)
    assert chosen.loss_value == plain.loss_value
    assert chosen.descent is not None and plain.descent is not None
    assert chosen.descent.loss_after == plain.descent.loss_after


def test_a_part_that_the_answer_lacks_is_said() -> None:
    with pytest.raises(GlassworkError, match="no part 'scores': it has hidden, logits"):
        _opened(_Made(lambda self, x: {"hidden": x, "logits": x}), output="scores")


def test_inputs_by_name_and_packed_sequences() -> None:
    trace = open_network(_Made(lambda self, x, scale: x * scale), torch.randn(2, 3), {"scale": torch.ones(3)}, target=0)
    assert trace.descent is not None and not trace.differing
    packed = nn.utils.rnn.pack_sequence([torch.randn(4, 3), torch.randn(2, 3)])
    trace = open_network(_Made(lambda self, made: made[1][0][0], nn.LSTM(3, 5)), (packed,), target=0)
    assert trace.descent is not None and trace.loss_value is not None


def test_losses_per_token_without_a_batch_and_over_all_outputs() -> None:
    torch.manual_seed(0)
    network, x, y = _Made(lambda self, x: x), torch.randn(2, 4, 3), torch.tensor([[0, 1, 2, -100], [1, -100, 0, 2]])
    expected = F.cross_entropy(network(x).transpose(1, 2), y).item()
    assert open_network(network, x, target=y).loss_value == pytest.approx(expected)
    assert _opened(network, x[0, 0], target=1).loss_value == pytest.approx(
        F.cross_entropy(network(x[0, 0]), torch.tensor(1)).item()
    )

    def both(answer: Any, target: Tensor) -> Tensor:
        return cast(Tensor, answer["a"].sum() + 2 * answer["b"].sum() + 0 * target.sum())

    pair = _Made(lambda self, x: {"a": x, "b": x.square()})
    found = open_network(pair, x, target=torch.zeros(()), loss=both, output=lambda answer: answer)
    assert found.loss_value == pytest.approx(both(pair(x), torch.zeros(())).item(), rel=1e-5)


class _Grows(nn.Module):
    """A network that changes as it answers: long rows cut, a counter, a list, a buffer made late."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(4, 3, max_norm=0.5)
        self.calls, self.seen = 0, list[float]()
        self.register_buffer("total", torch.zeros(()))

    def forward(self, places: Tensor) -> Tensor:
        self.calls += 1
        self.seen.append(float(self.calls))
        self.total = self.total + 1
        self.late = torch.ones(3) * self.calls
        return cast(Tensor, self.table(places))


def test_the_network_is_what_it_was_before() -> None:
    torch.manual_seed(0)
    network = _Grows()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    trace = open_network(network, torch.tensor([0, 1]), target=torch.tensor([0, 1]))
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert network.calls == 0 and network.seen == [] and not hasattr(network, "late")
    assert trace.operation("table").verdict == "unknown"


def test_a_step_is_left_out_if_a_second_pass_gives_another_loss() -> None:
    class Shrinks(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.at = nn.Linear(3, 3), iter(range(1, 100))

        def forward(self, x: Tensor) -> Tensor:
            return cast(Tensor, self.layer(x) / next(self.at))

    trace = _opened(Shrinks())
    assert trace.descent is None and any("second pass gives another E" in remark for remark in trace.remarks)


def _mapped(self: Any, x: Tensor) -> Tensor:
    made: Tensor = torch.func.vmap(lambda row: torch.tanh(row) * 2)(x)
    return made


def _cached(self: Any, x: Tensor) -> Tensor:
    return torch.cat([torch.tensor([]), x], -2)


def _complex(self: Any, x: Tensor) -> Tensor:
    return torch.fft.fft(x).real + torch.complex(x, x).abs()


def _checkpointed(self: Any, x: Tensor) -> Tensor:
    return checkpoint(torch.tanh, x, use_reentrant=True)


def _hooked(self: Any, x: Tensor) -> Tensor:
    if x.requires_grad:
        x.register_hook(lambda gradient: gradient * 1)  # type: ignore[no-untyped-call]
    return x * 1


STRANGE: dict[str, tuple[Callable[[], nn.Module], Callable[[], Any]]] = {
    "vmap": (lambda: _Made(_mapped), lambda: torch.randn(2, 3)),
    "an empty cache": (lambda: _Made(_cached), lambda: torch.randn(2, 3)),
    "complex numbers": (lambda: _Made(_complex), lambda: torch.randn(2, 3)),
    "float8": (
        lambda: _Made(lambda self, x: x + x.detach().to(torch.float8_e4m3fn).float()),
        lambda: torch.randn(2, 3),
    ),
    "a hook on a tensor": (lambda: _Made(_hooked), lambda: torch.randn(2, 3)),
    "a checkpoint": (lambda: _Made(_checkpointed), lambda: torch.randn(2, 3)),
    "sparse gradients": (
        lambda: _Made(lambda self, x: x, nn.Embedding(4, 3, sparse=True)),
        lambda: torch.tensor([0, 1]),
    ),
    "gradients scaled by frequency": (
        lambda: _Made(lambda self, x: x, nn.Embedding(4, 3, scale_grad_by_freq=True)),
        lambda: torch.tensor([1, 1]),
    ),
    "a projected memory": (
        lambda: _Made(lambda self, made: made[0], nn.LSTM(3, 5, proj_size=2)),
        lambda: torch.randn(2, 3),
    ),
    "weights of inference mode": (lambda: _inferred(), lambda: torch.randn(2, 3)),
    "a loss with weights": (
        lambda: _Made(lambda self, x: F.mse_loss(x, x * 0, weight=torch.full((2, 3), 2.0)) + x),  # type: ignore[call-arg]
        lambda: torch.randn(2, 3),
    ),
    "whole numbers": (lambda: _Made(lambda self, x: x + (x * 3).to(torch.long)), lambda: torch.randn(2, 3)),
}


def _traced() -> nn.Module:
    made: nn.Module = torch.jit.trace(nn.Linear(3, 3), torch.randn(2, 3))  # type: ignore[no-untyped-call]
    return made


def _inferred() -> nn.Module:
    with torch.inference_mode():
        return _Made(lambda self, x: x * nn.Parameter(torch.ones(3))).requires_grad_(False)


@pytest.mark.filterwarnings("ignore:LSTM with projections:UserWarning")
@pytest.mark.parametrize("name", STRANGE)
def test_strange_operations_end_no_trace_and_ring_no_alarm(name: str) -> None:
    torch.manual_seed(0)
    network, x = STRANGE[name]
    trace = _opened(network(), x())
    assert trace.operations and not trace.differing, trace.remarks
    assert Trace.from_json(trace.to_json()) == trace


@pytest.mark.parametrize(
    ("network", "x", "words"),
    [
        (_traced, torch.randn(2, 3), "scripted or traced"),
        (lambda: nn.LazyLinear(3), torch.randn(2, 3), "lazy layers"),
        (lambda: nn.Sequential(nn.BatchNorm1d(3)), torch.randn(1, 3), "more than 1 value"),
        (lambda: _Made(lambda self, x: dict[str, Tensor]()["scores"]), torch.randn(2, 3), "KeyError: 'scores'"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:.torch.jit.trace:FutureWarning")
def test_the_reason_given_is_the_true_one(network: Callable[[], nn.Module], x: Tensor, words: str) -> None:
    with pytest.raises(GlassworkError, match=words) as error:
        _opened(network(), x)
    assert "expects" not in str(error.value)


def test_a_gradient_that_is_stopped_is_shown_as_one() -> None:
    trace = _opened(_Made(lambda self, x: x * x.detach()))
    (stopped,) = [operation for operation in trace.operations if operation.call == "detach"]
    assert (stopped.name, stopped.verdict) == ("stop_gradient", "forward only")
    assert [operand.source for operand in trace.operations[2].operands] == ["operation 1", "operation 2"]


KNOWN: dict[str, Callable[[Tensor], Tensor]] = {
    "celu": lambda x: F.celu(x, 0.5),
    "selu": F.selu,
    "softsign": F.softsign,
    "prelu": lambda x: F.prelu(x, torch.tensor([0.1, 0.2, 0.3])),
    "glu": lambda x: F.glu(torch.cat([x, x], 0), 0),
    "mse_loss": lambda x: x + F.mse_loss(x, torch.ones_like(x)),
    "l1_loss": lambda x: x + F.l1_loss(x, torch.ones_like(x), reduction="sum"),
    "smooth_l1_loss": lambda x: x + F.smooth_l1_loss(x, torch.zeros_like(x), beta=0.3),
    "huber_loss": lambda x: x + F.huber_loss(x, torch.zeros_like(x), delta=0.3),
}


@pytest.mark.parametrize("name", KNOWN)
def test_the_textbook_has_it(name: str) -> None:
    torch.manual_seed(0)
    trace = _opened(_Made(lambda self, x: KNOWN[name](x)))
    assert {operation.verdict for operation in trace.operations if operation.call == name} == {"equal"}
