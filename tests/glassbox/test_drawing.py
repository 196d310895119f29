"""Drawings of networks: their numbers are those of the trace, their boxes those that were counted."""

import re
from pathlib import Path

import pytest
import torch
from torchvision import models

import glasswork as gw
from glasswork.cli import main
from glasswork.errors import GlassworkError
from glasswork.show.drawing import drawing_svg
from made_data import PLAIN, flags, train, write_npz, write_table


@pytest.fixture
def dense(tmp_path: Path) -> str:
    data = write_table(tmp_path / "data.csv", "class")
    asked = {**PLAIN, "data": data, "hidden": "4,20", "epochs": 2}
    assert main(["train", "mlp", *flags(asked), "--out", "dense"]) == 0
    return str(data)


def titles(svg: str, symbol: str) -> list[float]:
    """The numbers that a drawing says when it is pointed at."""
    return [float(found) for found in re.findall(rf"{symbol} = ([^;<]+)", svg)]


def test_weights_activations_and_errors_are_the_traces_own(dense: str) -> None:
    drawn = gw.draw("dense", source=dense)
    model = gw.load("dense", device="cpu")
    trace = model.open(dense)
    linear = [layer for layer in model.network.modules() if isinstance(layer, torch.nn.Linear)]
    svg = drawing_svg(drawn)
    wanted = [layer.weight[:20, :20].detach().double() for layer in linear]
    wanted = [wanted[0][:, :12], wanted[1][:7], wanted[2][:, :7]]
    assert titles(svg, "w") == pytest.approx(torch.cat([each.flatten() for each in wanted]).tolist(), rel=1e-12)
    last = next(one for one in reversed(trace.operations) if one.carries_weights)
    assert titles(svg, "z")[-len(model.classes) :] == pytest.approx(last.results[0].values.numbers, rel=1e-12)
    assert last.results[0].upstream is not None
    assert titles(svg, "δ")[-len(model.classes) :] == pytest.approx(last.results[0].upstream.numbers, rel=1e-12)
    assert "… 13 more" in svg and ">20 units<" in svg
    assert all(f">{name}<" in svg for name in model.classes)


@pytest.mark.parametrize("ending", [".svg", ".png", ".html"])
def test_a_preset_is_written(ending: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["draw", "lenet", "--out", f"lenet{ending}"]) == 0
    content = Path(f"lenet{ending}").read_bytes()
    if ending == ".png":
        assert content.startswith(b"\x89PNG") and int.from_bytes(content[16:20], "big") == 1600
    else:
        words = content.decode("utf-8")
        assert all(f">{size}<" in words for size in ("1 @ 28×28", "6 @ 28×28", "16 @ 5×5", "120", "84", "10"))
    assert main(["draw", "lenet"]) == 0
    assert "61,706 parameters" in capsys.readouterr().out


@pytest.mark.parametrize("preset", ["lenet", "alexnet", "vgg19", "resnet18", "resnet50", "efficientnet-lite0"])
def test_boxes_are_those_that_were_counted(preset: str) -> None:
    drawn, counted = gw.draw(preset), gw.count(preset)
    assert drawn.parameters == counted.parameters
    first, last = drawn.boxes[0], drawn.boxes[-1]
    assert (first.maps, first.height, first.width) == counted.input
    assert (last.maps,) == counted.layers[-1].output[:1]
    assert len(drawn.boxes) <= 16
    assert any(box.back is not None for box in drawn.boxes) == (
        preset in {"resnet18", "resnet50", "efficientnet-lite0"}
    )
    assert len(drawing_svg(drawn)) < 100_000


def test_what_cannot_be_drawn_is_one_sentence(tmp_path: Path, dense: str) -> None:
    with pytest.raises(GlassworkError, match="has no weights yet"):
        gw.draw("lenet", "nodes")
    with pytest.raises(GlassworkError, match="drawn as nodes or boxes, not as circles"):
        gw.draw("dense", "circles")
    with pytest.raises(GlassworkError, match="Boxes show no activations"):
        gw.draw("dense", "boxes", dense)
    data = write_npz(tmp_path / "data.npz", "class")
    run = train("lenet", data=data, epochs=1)
    with pytest.raises(GlassworkError, match="is not made of dense layers alone"):
        gw.draw(str(run), "nodes")


@pytest.mark.parametrize("name", ["vgg11", "mobilenet_v3_small", "vit_b_16"])
def test_foreign_networks_have_room_on_one_paper(name: str) -> None:
    with torch.device("meta"):
        network = getattr(models, name)(weights=None).eval()
        drawn = gw.draw(network, source=torch.zeros(1, 3, 224, 224))
    assert 4 <= len(drawn.boxes) <= 16
    assert drawn.boxes[-1].maps == 1000
    assert drawn.parameters == sum(weight.numel() for weight in network.parameters())


def test_a_recurrent_network_is_drawn_over_its_times() -> None:
    class Reader(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm, self.scores = torch.nn.LSTM(5, 8, batch_first=True), torch.nn.Linear(8, 3)

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = self.scores(self.lstm(inputs)[0][:, -1])
            return found

    drawn = gw.draw(Reader(), "boxes", torch.zeros(1, 7, 5))
    assert [(box.maps, box.height, box.how) for box in drawn.boxes] == [
        (5, 7, ""),
        (8, 7, "LSTM"),
        (3, 1, "fully connected"),
    ]


def test_a_module_is_drawn() -> None:
    torch.manual_seed(0)
    two = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Sigmoid(), torch.nn.Linear(2, 1))
    drawn = gw.draw(two)
    assert [column.count for column in drawn.columns] == [2, 2, 1]
    assert drawn.weights[1] == (tuple(two[2].weight[0].tolist()),)
    opened = gw.draw(two, source=torch.tensor([[0.0, 1.0]]))
    assert [unit.value for unit in opened.columns[0].units] == [0.0, 1.0]
    hidden = torch.sigmoid(two[0](torch.tensor([[0.0, 1.0]])))[0].tolist()
    assert [unit.value for unit in opened.columns[1].units] == pytest.approx(hidden)
    network = models.resnet18(num_classes=10)
    with pytest.raises(GlassworkError, match="give an input that it takes"):
        gw.draw(network)
    boxes = gw.draw(network, source=torch.zeros(1, 3, 64, 64)).boxes
    assert (boxes[0].height, boxes[-1].maps) == (64, 10)


def test_activations_and_their_slopes_are_curves(capsys: pytest.CaptureFixture[str]) -> None:
    drawn = gw.draw("activations")
    sigmoid = next(chart for chart in drawn.sections[0].blocks if chart.caption == "sigmoid")
    values, slopes = (dict(line.points) for line in sigmoid.lines)
    assert values[0.0] == 0.5 and slopes[0.0] == 0.25
    assert all(slopes[place] == pytest.approx(value * (1 - value)) for place, value in values.items())
    hinge = next(line for line in gw.draw("losses").sections[0].blocks[0].lines if line.name == "hinge")
    assert all(value == pytest.approx(max(0.0, 1 - margin)) for margin, value in hinge.points)
    for name in ("activations", "losses", "schedules"):
        assert main(["draw", name, "--out", f"{name}.html"]) == 0
        assert "<svg" in Path(f"{name}.html").read_text(encoding="utf-8")
        assert main(["draw", name]) == 0
    assert main(["draw", "losses", "--out", "losses.png"]) == 2
    assert ".html" in capsys.readouterr().err


class Residual(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = torch.nn.Linear(3, 3), torch.nn.Linear(3, 3)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = inputs + self.two(torch.relu(self.one(inputs)))
        return found


class Backwards(Residual):
    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.one(self.two(inputs))
        return found


def test_only_layers_one_after_the_other_are_drawn_as_units() -> None:
    with pytest.raises(GlassworkError, match="there is add among them"):
        gw.draw(Residual())
    with pytest.raises(GlassworkError, match="used in another order"):
        gw.draw(Backwards())
    with pytest.raises(GlassworkError, match="at several times or places"):
        gw.draw(torch.nn.Sequential(torch.nn.Linear(3, 2)), source=torch.zeros(1, 5, 3))


def test_what_would_not_be_drawn_is_refused(dense: str) -> None:
    with pytest.raises(GlassworkError, match="A target without an input"):
        gw.draw("dense", target="0")
    with pytest.raises(GlassworkError, match="has its own size"):
        gw.draw("dense", size=20)
    with pytest.raises(GlassworkError, match="are drawn as curves"):
        gw.draw("activations", "boxes")
