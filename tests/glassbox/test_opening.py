"""Any network opened: recorded operations, the textbook's gradients beside autograd's, and the network left alone."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
import torchvision.models as zoo
from torch import Tensor, nn

from glasswork.errors import GlassworkError
from glasswork.glassbox.trace.opening import open_network
from glasswork.glassbox.trace.trace import Trace
from glasswork.networks.lenet import LeNet


class Functional(nn.Module):
    """Functional and in-place calls, views, broadcasting, a weight that is used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.scale = nn.Parameter(torch.rand(8, 1, 1))
        self.twice = nn.Linear(8, 8)
        self.head = nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        x *= self.scale
        x = F.relu(x, inplace=True)
        x = x + 0.5
        x = F.max_pool2d(x, 2)
        a, b = x.chunk(2, dim=1)
        x = torch.cat([a * b, (a - b).tanh_()], dim=1)
        x = x.mean(dim=(2, 3))
        x = self.twice(self.twice(x).sigmoid())
        y = torch.stack([x, x.clone().mul_(2)], dim=1).flatten(1)
        y = y / y.norm(dim=1, keepdim=True).clamp(min=1e-3)
        return self.head(y)


class Idioms(nn.Module):
    """What hand-written modules commonly use: masks, writing over, einsum, extremes, copies, statistics."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, padding=1)
        self.norm = nn.InstanceNorm2d(6, affine=True)
        self.query = nn.Parameter(torch.randn(6, 4))
        self.gain = nn.Parameter(torch.ones(4))
        self.hidden = nn.Parameter(torch.zeros(4))
        self.head = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = F.mish(self.norm(self.conv(x)))
        x = torch.where(x > 0.2, x, 0.1 * F.softplus(x, beta=2))
        x = torch.flip(torch.roll(x, (1, -1), (2, 3)).flip(1), dims=(-1,))
        x = x.amax(-1).transpose(1, 2)  # (batch, 8, 6)
        a = torch.einsum("btc, cd->btd", x, self.query)
        scores = torch.einsum("btd,bsd->bts", [a, F.normalize(a, dim=-1)])
        later = torch.arange(8)[:, None] < torch.arange(8)
        scores = scores.masked_fill(later, float("-inf"))
        probabilities = (scores - scores.logsumexp(-1, keepdim=True)).exp().tril()
        a = (a - a.mean(-1, keepdim=True)) / (a.var(-1, unbiased=False, keepdim=True) + 1e-5).sqrt() * self.gain
        a = probabilities @ a / (a.std() + 1)
        states = torch.zeros(len(x), 8, 4)
        state = self.hidden.repeat(len(x), 1)
        for step in range(3):
            state = torch.tanh(a[:, step] + state)
            states[:, step] = state
        states[:, 3:] = a[:, 3:].cumsum(1)
        states[states.abs() < 0.05] = 0.0
        best, where = states.relu().max(dim=1)  # of zeros that are equal the first
        least = states.min(1).values.log1p() if bool((states > -1).all()) else F.logsigmoid(states.min(1)[0])
        best = best.masked_fill_((where == 0).logical_not() & (best > 0.9), 0.9)
        return self.head(torch.cat([best, least], 1))


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(20, 6)
        self.lstm = nn.LSTM(6, 8, num_layers=2, batch_first=True)
        self.head = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        output, _ = self.lstm(self.embedding(x))
        return self.head(output[:, -1])


def image(size: int = 64, batch: int = 2) -> Tensor:
    return torch.randn(batch, 3, size, size, generator=torch.Generator().manual_seed(0))


FOREIGN: dict[str, tuple[Callable[[], nn.Module], Callable[[], Tensor]]] = {
    "alexnet": (lambda: zoo.alexnet(num_classes=10), lambda: image(64)),
    "vgg11": (lambda: zoo.vgg11(num_classes=10), lambda: image(32, 1)),
    "resnet18": (lambda: zoo.resnet18(num_classes=10), lambda: image(64)),
    "mobilenet_v3_small": (lambda: zoo.mobilenet_v3_small(num_classes=10), lambda: image(64)),
    "googlenet": (lambda: zoo.googlenet(num_classes=10, aux_logits=False, init_weights=False), lambda: image(64)),
    "convnext_tiny": (lambda: zoo.convnext_tiny(num_classes=10), lambda: image(32, 1)),
    "vit_b_16": (lambda: zoo.vit_b_16(image_size=32, num_classes=10), lambda: image(32, 1)),
    "lstm": (Recurrent, lambda: torch.randint(0, 20, (3, 7), generator=torch.Generator().manual_seed(0))),
    "functional": (Functional, lambda: image(8)),
    "idioms": (Idioms, lambda: image(8)),
    "lenet": (lambda: LeNet((1, 28, 28), 10), lambda: image(28)[:, :1]),
}


LARGE = {"alexnet", "vgg11", "convnext_tiny", "vit_b_16"}


def opened(name: str, **options: Any) -> tuple[Trace, nn.Module]:
    make, inputs = FOREIGN[name]
    torch.manual_seed(0)
    network = make().eval()
    given = inputs()
    return open_network(network, given, target=torch.arange(len(given)) % 4, **options), network


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in LARGE else name for name in FOREIGN]
)
def test_a_foreign_network_is_known_and_its_gradients_are_the_textbooks(name: str) -> None:
    trace, network = opened(name)
    others = [operation for operation in trace.operations if not operation.carries_weights]
    assert all(operation.known for operation in trace.operations if operation.carries_weights)
    assert sum(operation.known for operation in others) >= 0.95 * len(others)
    assert not trace.differing, trace.remarks
    compared = {
        operand.source.removeprefix("weight ")
        for operation in trace.operations
        for operand in operation.operands
        if operand.comparison is not None
    }
    assert {name for name, weight in network.named_parameters() if weight.requires_grad} <= compared


@pytest.mark.parametrize("name", ["lenet", "functional", "lstm"])
def test_gradients_are_those_of_an_ordinary_backward_pass(name: str) -> None:
    trace, network = opened(name)
    given = FOREIGN[name][1]()
    F.cross_entropy(network(given), torch.arange(len(given)) % 4).backward()
    for step in trace.weights:
        gradient = dict(network.named_parameters())[step.name].grad
        assert gradient is not None and step.gradient is not None
        assert step.gradient.maximum == pytest.approx(float(gradient.max()), rel=1e-5, abs=1e-7)
        assert step.gradient.mean == pytest.approx(float(gradient.double().mean()), rel=1e-4, abs=1e-7)


@pytest.mark.parametrize("name", ["lenet", "functional", "lstm", "resnet18"])
def test_a_trace_turns_into_json_and_back(name: str) -> None:
    trace, _ = opened(name)
    assert Trace.from_json(json.loads(json.dumps(trace.to_json(), allow_nan=False))) == trace


def test_the_network_is_left_as_it_was() -> None:
    network = zoo.resnet18(num_classes=4).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    random = torch.get_rng_state()
    given = image(32)
    kept = given.clone()
    open_network(network, given, target=torch.tensor([0, 1]))
    assert network.training and torch.equal(given, kept) and torch.equal(random, torch.get_rng_state())
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(weight.grad is None for weight in network.parameters())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


def test_torchs_wrong_gradient_of_batch_norm_is_caught() -> None:
    network = nn.Sequential(nn.BatchNorm2d(3)).eval()
    network[0].weight.data = torch.tensor([1.0, 2, 3])

    def gram(output: Tensor, target: Tensor) -> Tensor:
        return (torch.einsum("bchw,bdhw->cd", output, output) * target).sum()

    torch.manual_seed(0)
    target = torch.randn(3, 3)
    x = torch.randn(1, 3, 4, 4)
    trace = open_network(network, x, target=target, loss=gram)
    marked = trace.differing
    assert [operation.name for operation in marked] == ["batch_normalization"]
    assert "differs" in marked[0].remark and marked[0].verdict == "differs"
    comparison, slope = marked[0].operands[0].comparison, marked[0].operands[3].comparison
    assert comparison is not None and slope is not None and comparison.differs
    assert f"{slope.textbook:.6g}" in marked[0].remark and f"{slope.torch:.6g}" in marked[0].remark
    # By hand: the textbook's number is the right one.
    weight = (network[0].weight / torch.sqrt(network[0].running_var + network[0].eps)).detach().double()
    y = (x.double() - 0) * weight[:, None, None]
    upstream = torch.einsum("cd,bdhw->bchw", (target + target.T).double(), y)
    right = (upstream * weight[:, None, None])[comparison.cell]  # dE/dx
    assert comparison.textbook == pytest.approx(float(right), rel=1e-4)
    assert open_network(network, torch.randn(2, 3, 4, 4), target=target, loss=gram).differing == ()


def test_the_deltas_of_the_slide() -> None:
    """Kovashka: two layers, tanh, squared error; delta_k = y_k - t_k, delta_j = (1 - z_j^2) sum_k w_kj delta_k."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()
    x, t = torch.randn(1, 3).double(), torch.tensor([[0.5, -1.0]]).double()
    trace = open_network(network, x, target=t, loss="squared-error")
    with torch.no_grad():
        z = network[1](network[0](x))
        delta_k = network[2](z) - t
        delta_j = (1 - z**2) * (delta_k @ network[2].weight)
    hidden = next(operation for operation in trace.operations if operation.name == "tanh")
    output = next(operation for operation in trace.operations if operation.name == "squared_error")
    assert hidden.operands[0].gradient is not None and output.operands[0].gradient is not None
    assert hidden.operands[0].gradient.numbers == pytest.approx(delta_j[0].tolist(), abs=1e-10)
    assert output.operands[0].gradient.numbers == pytest.approx(delta_k[0].tolist(), abs=1e-10)
    assert hidden.delta is not None and output.delta is not None
    assert hidden.delta.value == pytest.approx(float(delta_j[hidden.delta.cell]), abs=1e-10)
    assert output.delta.formula == "delta_k = y_k - t_k"


@pytest.mark.parametrize("loss", ["cross-entropy", "squared-error", "hinge", "binary-cross-entropy"])
def test_every_loss_is_one_known_operation(loss: str) -> None:
    network = nn.Linear(3, 4)
    trace = open_network(network, torch.randn(5, 3), target=torch.tensor([0, 1, 2, 3, 0]), loss=loss)
    assert len(trace.operations) == 2 and not trace.unknown and not trace.differing
    assert trace.operations[1].verdict == "equal"


def test_one_step_down_the_gradient_is_measured() -> None:
    torch.manual_seed(0)
    network, x, t = nn.Linear(3, 2), torch.randn(4, 3), torch.tensor([0, 1, 1, 0])
    descent = open_network(network, x, target=t, learning_rate=1e-3).descent
    assert descent is not None
    assert descent.loss_after - descent.loss_before == pytest.approx(descent.predicted_change, rel=1e-2)
    loss = F.cross_entropy(network(x), t)
    slopes = torch.autograd.grad(loss, list(network.parameters()))
    with torch.no_grad():
        for weight, slope in zip(network.parameters(), slopes, strict=True):
            weight -= 1e-3 * slope
        assert descent.loss_after == pytest.approx(float(F.cross_entropy(network(x), t)), rel=1e-5)


def test_an_unknown_operation_is_shown_as_unknown() -> None:
    class Odd(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.cumprod(x, 1)

    trace = open_network(Odd(), torch.randn(2, 3), target=torch.tensor([0, 1]))
    assert trace.operations[0].verdict == "unknown" and trace.operations[0].name == "cumprod"
    assert trace.operations[0].operands[0].gradient is not None


def test_values_are_those_of_the_moment() -> None:
    """What an in-place call writes over is still shown as it was."""

    class Over(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            y = x * 2
            z = y + 1
            y.zero_()
            return z

    trace = open_network(Over(), torch.tensor([[1.0, 2.0]]), target=torch.tensor([0]))
    assert trace.operations[0].results[0].values.numbers == (2.0, 4.0)
    assert trace.operations[1].operands[0].values.numbers == (2.0, 4.0)


def test_every_idiom_is_known() -> None:
    trace, _ = opened("idioms")
    assert [operation.call for operation in trace.unknown] == []
    compared = {operation.name for operation in trace.operations if operation.verdict == "equal"}
    assert {operation.name for operation in trace.operations} - compared == {"comparison", "absolute"}
    chosen = [operation for operation in trace.operations if operation.call == "max"]
    assert [len(operation.results) for operation in chosen] == [2]
    assert all(result.comparison is not None for result in chosen[0].results)


@pytest.mark.parametrize("leaf", [True, False])
def test_writing_into_a_view_is_no_difference(leaf: bool) -> None:
    """The error of a number written into a view comes through the tensor behind it too."""

    class Behind(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.tensor([0.5, -1.0, 2.0]))

        def forward(self, x: Tensor) -> Tensor:
            states = torch.zeros(2, 3) if leaf else x * self.weight
            first = states[0]
            first[1] = self.weight[2]
            return states * first + x

    trace = open_network(Behind(), torch.randn(2, 3), target=torch.tensor([0, 1]))
    written = next(operation for operation in trace.operations if operation.name == "assign")
    assert written.verdict == "forward only" and not trace.differing


@pytest.mark.parametrize("way", ["where", "method", "keywords", "masked_fill", "masked_fill_"])
def test_choosing_by_a_condition_is_read_in_every_way_of_writing_it(way: str) -> None:
    class Choosing(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            condition = x > 0.1
            ways: dict[str, Callable[[], Tensor]] = {
                "where": lambda: torch.where(condition, x, -1.0),
                "method": lambda: x.where(condition, torch.tensor(-1.0)),
                "keywords": lambda: torch.where(condition=condition, input=x, other=torch.tensor(-1.0)),
                "masked_fill": lambda: x.masked_fill(~condition, -1.0),
                "masked_fill_": lambda: x.clone().masked_fill_(~condition, -1),
            }
            return ways[way]()

    trace = open_network(Choosing(), torch.tensor([[0.1, 0.2, -3.0]]), target=torch.tensor([0]))
    chosen = trace.operations[-2]
    assert chosen.name == "where" and chosen.verdict == "equal"
    assert chosen.results[0].values.numbers == pytest.approx((-1.0, 0.2, -1.0))
    assert not trace.unknown and not trace.differing


def test_without_a_target_the_answer_takes_its_place() -> None:
    trace = open_network(nn.Linear(3, 4), torch.randn(2, 3))
    assert "the model's own prediction" in trace.target and any("no target" in remark for remark in trace.remarks)


def test_parts_show_the_kernels_and_strides() -> None:
    trace = open_network(LeNet((1, 28, 28), 10), torch.randn(1, 1, 28, 28), target=3, parts=True)
    kernels = [part.name for operation in trace.operations for part in operation.parts]
    assert any("convolution" in kernel for kernel in kernels)
    assert all(operation.results[0].upstream_strides for operation in trace.operations[:-1])


@pytest.mark.parametrize(
    ("network", "inputs", "options", "words"),
    [
        (nn.Sequential(nn.Flatten(), nn.Linear(10, 2)), torch.randn(1, 3, 4), {}, ("layer 1", "expects 10")),
        (nn.Sequential(nn.Conv2d(3, 4, 3)), torch.randn(1, 1, 8, 8), {}, ("layer 0", "expects 3 channels")),
        (nn.Linear(3, 4), torch.randn(1, 3), {"target": 7}, ("7", "0 to 3")),
        (nn.Linear(3, 4), torch.randn(1, 3), {"loss": "crossentropy"}, ("cross-entropy",)),
        (nn.Linear(3, 4), torch.randn(1, 3), {"target": torch.randn(1, 2), "loss": "squared-error"}, ("(1, 2)",)),
    ],
)
def test_what_does_not_fit_gets_a_sentence(
    network: nn.Module, inputs: Tensor, options: dict[str, Any], words: tuple[str, ...]
) -> None:
    with pytest.raises(GlassworkError) as error:
        open_network(network, inputs, **options)
    assert all(word in str(error.value) for word in words)


def test_dropout_after_relu_is_no_difference() -> None:
    """Units that were 0 before do not show in the output whether they were turned off."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(20, 50), nn.ReLU(), nn.Dropout(0.5), nn.Linear(50, 3)).train()
    trace = open_network(network, torch.randn(8, 20), target=torch.arange(8) % 3)
    assert not trace.differing and trace.operation("2").verdict == "equal"


def test_a_function_with_a_backward_of_its_own_is_said() -> None:
    class Triple(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            return x * 3

        @staticmethod
        def backward(ctx: Any, *errors: Tensor) -> Tensor:
            return errors[0] * 2

    class Own(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return Triple.apply(x)  # type: ignore[no-untyped-call,no-any-return]

    trace = open_network(Own(), torch.randn(2, 3), target=torch.tensor([0, 1]))
    assert trace.operations[0].verdict == "forward only" and "TripleBackward" in trace.operations[0].remark


class _ForgetsViews(nn.Module):
    """Makes views that die at once, so that the constants made after them get their ids."""

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for _ in range(50):
            x[:, :1]
            y = y * torch.ones(1, 1)
        return y


def test_a_constant_is_not_taken_for_a_tensor_that_died_before_it() -> None:
    trace = open_network(_ForgetsViews(), torch.rand(2, 3), target=torch.tensor([0, 1]))
    assert {one.operands[1].source for one in trace.operations if one.name == "multiply"} == {"constant"}


class _ReverseSubtraction(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.rsub(x, 3.0, alpha=2)


def test_the_factor_of_a_reverse_subtraction_is_read() -> None:
    trace = open_network(_ReverseSubtraction(), torch.rand(2, 3), target=torch.tensor([0, 1]))
    assert trace.operations[0].name == "subtract"
    assert trace.operations[0].settings == {"alpha": "2"}
    assert trace.operations[0].verdict == "equal"
