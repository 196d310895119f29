"""Any network counted: published figures, torch's own counter, and fields measured by gradients."""

import json
from typing import Any

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from glasswork.errors import GlassworkError
from glasswork.glassbox.cost.count import Count, Layer, count
from glasswork.glassbox.cost.network import count_network
from glasswork.networks.lenet import LeNet
from glasswork.show.count import count_text, memory

IMAGE = (1, 3, 224, 224)
FIELDS = {"alexnet": "features.12", "vgg16": "features.30", "resnet18": "layer4.1.conv2"}


def on_meta(name: str, **options: Any) -> Count:
    with torch.device("meta"):
        network = torchvision.models.get_model(name, weights=None, **options)
    return count_network(network, torch.empty(IMAGE, device="meta"))


def layer(found: Count, name: str) -> Layer:
    return next(each for each in found.layers if each.name == name)


def test_lenet() -> None:
    found = count_network(LeNet((1, 28, 28), 10), torch.zeros(1, 1, 28, 28))
    assert found.parameters == 61_706 and found.what == "LeNet" and found.input == (1, 28, 28)
    rows = [(each.name, each.output, each.parameters) for each in found.layers if each.parameters]
    assert rows == [
        ("convolution_1", (6, 28, 28), 156),
        ("convolution_2", (16, 10, 10), 2416),
        ("dense_1", (120,), 48120),
        ("dense_2", (84,), 10164),
        ("output", (10,), 850),
    ]
    assert layer(found, "convolution_1").parameters_formula == "5*5*1*6 + 6 = 156"
    assert layer(found, "convolution_1").multiply_adds_formula == "6*28*28*5*5*1 = 117,600"
    assert layer(found, "dense_1").parameters_formula == "400*120 + 120 = 48,120"
    assert layer(found, "max_pool2d (2)").receptive_field == (16, 16)
    assert layer(found, "dense_1").sees_all
    written = count("28x28x1 conv5x5x6 pool2 conv5x5x16/valid pool2 fc120 fc84 fc10")
    assert (found.parameters, found.multiply_adds) == (written.parameters, written.multiply_adds)


@pytest.mark.parametrize(
    ("name", "parameters", "giga"),
    [
        ("alexnet", 61_100_840, 0.714),
        ("vgg11", 132_863_336, 7.609),
        ("vgg16", 138_357_544, 15.470),
        ("resnet18", 11_689_512, 1.814),
        ("mobilenet_v3_small", 2_542_856, 0.057),
        ("convnext_tiny", 28_589_128, 4.456),
        ("vit_b_16", 86_567_656, 17.564),
    ],
)
def test_published_figures(name: str, parameters: int, giga: float) -> None:
    """Parameters and 10^9 multiply-adds as torchvision publishes them with its weights."""
    found = on_meta(name)
    assert found.parameters == parameters == sum(each.parameters for each in found.layers)
    assert found.multiply_adds / 1e9 == pytest.approx(giga, abs=6e-4)
    if name in FIELDS:
        field = {"alexnet": 195, "vgg16": 212, "resnet18": 435}[name]
        assert layer(found, FIELDS[name]).receptive_field == (field, field)
        assert layer(found, FIELDS[name]).jump == (32, 32)


def test_branches_that_prediction_does_not_take_are_listed() -> None:
    found = on_meta("googlenet", init_weights=False)
    assert found.parameters == 13_004_888
    assert found.multiply_adds / 1e9 == pytest.approx(1.498, abs=6e-4)
    idle = [each.name for each in found.layers if each.kind == "not reached by this input"]
    assert idle and all(name.startswith("aux") for name in idle)
    assert layer(found, "inception5b.branch2.1.conv").receptive_field is not None


class Branching(nn.Module):
    """Paths of 3x3, dilated 3x3 twice and none, added and joined, then averaged in pairs."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 2, 3, stride=2, padding=1)
        self.near = nn.Conv2d(2, 2, 3, padding=1)
        self.far = nn.Sequential(nn.Conv2d(2, 2, 3, padding=2, dilation=2), nn.Conv2d(2, 2, (1, 3), padding=(0, 1)))
        self.norm = nn.BatchNorm2d(4)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.first(images)
        maps = maps + self.near(maps)
        joined = torch.cat([maps, self.far(maps)], dim=1)
        joined = joined.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
        left, right = self.norm(joined).chunk(2, dim=1)
        left = left.clone()
        left += right
        return F.avg_pool2d(left, 2)


def test_a_field_is_what_the_gradient_reaches() -> None:
    network = Branching()
    for parameter in network.parameters():
        nn.init.constant_(parameter, 0.1)  # all of one sign: nothing cancels
    found = count_network(network, torch.zeros(1, 1, 64, 64))
    images = torch.ones(1, 1, 64, 64, requires_grad=True)
    outputs = network.eval()(images)
    outputs[0, 0, 8, 8].backward()
    assert images.grad is not None
    touched = images.grad[0, 0].nonzero()
    sides = tuple((touched.amax(0) - touched.amin(0) + 1).tolist())
    assert layer(found, "avg_pool2d").receptive_field == sides
    assert layer(found, "avg_pool2d").jump == (64 // outputs.shape[2], 64 // outputs.shape[3])


class Functional(nn.Module):
    """Weights used in calls alone, some twice, one not at all."""

    def __init__(self) -> None:
        super().__init__()
        self.filters = nn.Parameter(torch.ones(4, 1, 3, 3))
        self.start = nn.Parameter(torch.zeros(1, 1, 8))
        self.mix = nn.Parameter(torch.ones(8, 8))
        self.embedding = nn.Linear(8, 5, bias=False)
        self.scores = nn.Linear(8, 5, bias=False)
        self.scores.weight = self.embedding.weight
        self.idle = nn.Linear(3, 3)

    def forward(self, images: Tensor) -> Tensor:
        maps = F.conv2d(images, self.filters, padding="same")  # (1, 4, 4, 8)
        tokens = maps.flatten(1, 2)  # (1, 16, 8)
        tokens = torch.cat([self.start.expand(len(tokens), -1, -1), tokens], dim=1)
        tokens = torch.einsum("ntd,de->nte", tokens, self.mix) @ self.mix.t()
        return self.embedding(tokens) + self.scores(tokens)


def test_parameters_in_no_layer_shared_and_idle() -> None:
    found = count_network(Functional(), torch.zeros(1, 1, 4, 8))
    rows = {each.name: (each.parameters, each.parameters_formula) for each in found.layers}
    assert rows["conv2d"] == (36, "3*3*1*4 = 36")
    assert rows["cat"] == (8, "8")
    assert rows["einsum"] == (64, "8*8 = 64")
    assert rows["matmul"] == (0, "shared with einsum")
    assert rows["embedding"] == (40, "8*5 = 40")
    assert rows["scores"] == (0, "shared with embedding")
    assert rows["idle"] == (12, "3*3 + 3 = 12")
    assert found.parameters == 36 + 8 + 64 + 40 + 12
    made = {each.name: each.multiply_adds for each in found.layers}
    assert made["einsum"] == made["matmul"] == 17 * 8 * 8
    assert made["conv2d"] == 4 * 4 * 8 * 9


@pytest.mark.parametrize(
    ("network", "shape"),
    [
        (nn.Sequential(nn.Conv1d(3, 8, 5, stride=2), nn.ReLU(), nn.ConvTranspose1d(8, 4, 3, stride=2)), (1, 3, 40)),
        (nn.ConvTranspose2d(6, 4, 3, stride=2, groups=2), (2, 6, 5, 7)),
        (nn.Conv2d(6, 12, 3, groups=3, padding_mode="circular", padding=1), (1, 6, 9, 9)),
        (nn.Conv3d(2, 3, 2), (1, 2, 4, 5, 6)),
        (nn.MultiheadAttention(8, 2, kdim=6, vdim=4), (5, 1, 8)),
    ],
    ids=["1-D", "transposed", "groups", "3-D", "attention"],
)  # fmt: skip
def test_torchs_own_counter_agrees(network: nn.Module, shape: tuple[int, ...]) -> None:
    inputs: tuple[Tensor, ...] = (torch.zeros(shape),)
    if isinstance(network, nn.MultiheadAttention):
        inputs = (*inputs, torch.zeros(7, 1, 6), torch.zeros(7, 1, 4))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network.train()(*inputs)
    found = count_network(network, inputs)
    assert found.multiply_adds == counter.get_total_flops() // 2 > 0
    assert found.parameters == sum(parameter.numel() for parameter in network.parameters())


def test_a_transformer_layer() -> None:
    """Its attention is a call that torch's counter does not count on the processor."""
    found = count_network(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), torch.zeros(1, 5, 8))
    projections, scores, mixed, dense = 4 * 5 * 8 * 8, 5 * 5 * 8, 5 * 5 * 8, 2 * 5 * 8 * 16
    assert found.multiply_adds == projections + scores + mixed + dense
    assert layer(found, "self_attn").kind == "multi-head attention"


def test_what_cannot_be_counted_is_said() -> None:
    class Distances(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.centres = nn.Parameter(torch.zeros(6, 4))

        def forward(self, inputs: Tensor) -> Tensor:
            return torch.cdist(inputs, self.centres, compute_mode="donot_use_mm_for_euclid_dist")

    found = count_network(Distances(), torch.zeros(1, 4))
    assert (found.parameters, found.multiply_adds) == (24, 0)
    assert any("'cdist' has weights, but no formula" in note for note in found.notes)
    bilinear = count_network(nn.Bilinear(4, 5, 3), (torch.zeros(1, 4), torch.zeros(1, 5)))
    assert bilinear.multiply_adds == 3 * 4 * 5
    embedded = count_network(nn.Embedding(9, 4), torch.zeros(1, 3, dtype=torch.int64))
    assert embedded.multiply_adds == 0 and not any("no formula" in note for note in embedded.notes)


def test_recurrent_layers_count_each_step() -> None:
    lstm = count_network(nn.LSTM(10, 20, batch_first=True), torch.zeros(1, 7, 10))
    (row,) = [each for each in lstm.layers if each.parameters]
    assert (row.kind, row.output, row.parameters) == ("LSTM", (7, 20), 4 * 20 * (10 + 20) + 2 * 80)
    assert lstm.multiply_adds == 7 * 4 * 20 * (10 + 20)
    cell = count_network(nn.GRUCell(10, 20), torch.zeros(1, 10))
    assert cell.multiply_adds == 3 * 20 * (10 + 20)
    assert not row.sees_all and row.receptive_field is None
    assert any("a dash means that it is unknown" in note for note in lstm.notes)


def test_views_and_writing_over_take_no_memory() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(inplace=True), nn.ReLU(), nn.Dropout(), nn.Flatten())
    found = count_network(network, torch.zeros(1, 1, 6, 6))
    assert [(each.name, each.memory) for each in found.layers] == [("0", 128), ("1", 0), ("2", 128), ("3", 0), ("4", 0)]
    assert found.activation_bytes == 256


def test_the_network_is_left_as_it_was() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout())
    network[2].eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state = torch.get_rng_state()
    count_network(network, torch.ones(2, 1, 5, 5, requires_grad=True))
    assert [module.training for module in network.modules()] == [True, True, True, False]
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert torch.equal(state, torch.get_rng_state())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


def test_a_whole_batch_is_said() -> None:
    network = nn.Linear(4, 2)
    found = count_network(network, torch.zeros(5, 4))
    assert (found.input, found.layers[0].output, found.multiply_adds) == ((5, 4), (5, 2), 40)
    assert any("whole input of shape 5x4" in note for note in found.notes)


@pytest.mark.parametrize(
    ("network", "shape", "sentence"),
    [
        (LeNet((1, 28, 28), 10), (1, 3, 28, 28), "shape 1x3x28x28: layer convolution_1 says '.*3 channels"),
        (LeNet((1, 28, 28), 10), (1, 1, 32, 32), "shape 1x1x32x32: layer dense_1 says '.*400"),
        (Functional(), (1, 1, 4, 7), "shape 1x1x4x7: the network itself says"),
    ],
)
def test_an_input_that_does_not_fit(network: nn.Module, shape: tuple[int, ...], sentence: str) -> None:
    network.train()
    with pytest.raises(GlassworkError, match=sentence):
        count_network(network, torch.zeros(shape))
    assert network.training and not network._forward_hooks


@pytest.mark.filterwarnings("ignore:.*torch.jit.script")
def test_a_compiled_network_is_refused() -> None:
    with pytest.raises(GlassworkError, match="count the module it was compiled from"):
        count_network(torch.jit.script(nn.Linear(3, 4)), torch.zeros(1, 3))


def test_a_count_goes_through_json() -> None:
    found = count_network(Branching(), torch.zeros(1, 1, 16, 16))
    assert Count.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_the_table() -> None:
    text = count_text(count("32x32x3 conv5x5x64 pool2 conv3x3x128 pool2 fc10"))
    lines = text.splitlines()
    assert "5*5*3*64 + 64 = 4,864" in text and "32*32*64*5*5*3 = 4,915,200" in text
    assert "160,650 parameters, 643 kB of weights" in lines
    assert any(line.split()[0] == "pool2" and line.split()[-2:] == ["6", "2"] for line in lines)
    narrow = count_text(count("32x32x3 conv5x5x64 fc10"), width=80)
    assert "4,864" in narrow and "5*5" not in narrow
    assert max(map(len, narrow.splitlines())) <= 80


@pytest.mark.parametrize(("size", "words"), [(0, "0 B"), (999, "999 B"), (3136, "3.14 kB"), (244_403_360, "244 MB")])
def test_memory_is_written_for_people(size: int, words: str) -> None:
    assert memory(size) == words
