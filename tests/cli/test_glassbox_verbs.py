"""The glass box's verbs: what they print, what they write, and one sentence for every mistake."""

import json
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from glasswork.cli import main
from glasswork.glassbox.cost.count import Count
from glasswork.glassbox.graph import Graph
from glasswork.glassbox.trace.trace import Trace
from made_data import mistake, said, train, write_folder, write_table

Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with finished runs: lenet, linear and dense on pictures, and one on a table of numbers."""
    folder = tmp_path_factory.mktemp("runs")
    write_folder(folder / "pictures")
    write_table(folder / "table.csv", "class")
    write_table(folder / "numbers.csv", "number")
    (folder / "empty.csv").write_text((folder / "table.csv").read_text().splitlines()[0] + "\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("GLASSWORK_CACHE", str(folder / "cache"))
        train("lenet", data="pictures", epochs=1, batch_size=8, out="lenet")
        train("linear", data="pictures", epochs=1, out="linear")
        train("mlp", data="table.csv", epochs=1, activation="tanh", out="table")
        train("mlp", data="numbers.csv", epochs=1, out="numbers")
    return folder


@pytest.fixture
def here(runs: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder of the runs; pages go to `tmp_path`."""
    monkeypatch.chdir(runs)
    return runs


def picture(folder: Path) -> str:
    return str(next(path for path in sorted((folder / "pictures").rglob("*")) if path.suffix in {".png", ".jpg"}))


def source_of(run: str, folder: Path) -> str:
    return {"table": "table.csv", "numbers": "numbers.csv"}.get(run) or picture(folder)


class Page(HTMLParser):
    """Whether a page asks the network for anything."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.outside: list[str] = []
        self.images = 0
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.images += tag in {"img", "svg"}
        for name, value in attrs:
            if name in {"src", "href"} and value and not value.startswith(("data:", "#")):
                self.outside.append(value)


@pytest.mark.parametrize("run", ["lenet", "linear", "table", "numbers"])
def test_open_prints_a_tree_and_gives_the_trace(run: str, here: Path, capsys: Captured) -> None:
    assert main(["open", run, source_of(run, here)]) == 0
    tree = capsys.readouterr().out
    descends = run != "numbers"  # a number has no class of its own to stand for the target
    assert ("[equal]" in tree) == ("one step of gradient descent" in tree) == descends
    assert ("only the forward pass" in tree) != descends
    assert main(["open", run, source_of(run, here), "--json"]) == 0
    trace = Trace.from_json(said(capsys))
    assert not trace.differing and not trace.unknown


def test_open_writes_a_page(here: Path, tmp_path: Path, capsys: Captured) -> None:
    page = tmp_path / "open.html"
    target = sorted(path.name for path in (here / "pictures").iterdir())[0]
    assert main(["open", "lenet", picture(here), "--target", target, "--parts", "--out", str(page)]) == 0
    text = page.read_text(encoding="utf-8")
    assert "convolution" in text and "What one step" in text and "aten" in text
    assert not Page(page).outside and Page(page).images > 5


def test_open_a_number_with_its_target(here: Path, capsys: Captured) -> None:
    assert main(["open", "numbers", "numbers.csv", "--target", "3.5", "--json"]) == 0
    trace = Trace.from_json(said(capsys))
    assert trace.loss == "squared-error" and trace.loss_value is not None and trace.descent is not None
    assert trace.descent.loss_after < trace.descent.loss_before


UNITS = {"lenet": "convolution_2:3", "linear": "output:1"}


@pytest.mark.parametrize("run", ["lenet", "linear"])
def test_open_features_attribution_and_landscape(run: str, here: Path, tmp_path: Path, capsys: Captured) -> None:
    page = tmp_path / "look.html"
    flags = ["--features", "--attribution", "--landscape", "--unit", UNITS[run]]
    assert main(["open", run, picture(here), *flags, "--out", str(page), "--json"]) == 0
    kinds = {found["finding"] for found in said(capsys)["found"]}
    assert {"FeatureMaps", "Attribution", "IntegratedGradients", "Occlusion", "MostExciting", "Landscape"} <= kinds
    assert ("Deconvolution" in kinds and "GradCam" in kinds) if run == "lenet" else "Templates" in kinds
    assert not Page(page).outside and Page(page).images > 5


def test_diagnose(here: Path, tmp_path: Path, capsys: Captured) -> None:
    assert main(["diagnose", "lenet"]) == 0
    assert capsys.readouterr().out.strip()
    assert main(["diagnose", "lenet", "--data", "pictures", "--out", str(tmp_path / "d.html"), "--json"]) == 0
    assert said(capsys)["sentences"]
    assert not Page(tmp_path / "d.html").outside


def test_graph(tmp_path: Path, capsys: Captured) -> None:
    words = ["graph", "(x+y)*z", "x=-2", "y=5", "z=-4"]
    assert main([*words, "--json"]) == 0
    graph = Graph.from_json(said(capsys))
    assert (graph.value, graph.gradients) == (-12, {"x": -4, "y": -4, "z": 3})
    assert main(words) == 0
    assert "-12" in capsys.readouterr().out
    for name in ("graph.html", "graph.svg"):
        assert main([*words, "--out", str(tmp_path / name)]) == 0
        assert "-12" in (tmp_path / name).read_text(encoding="utf-8")
    capsys.readouterr()
    assert main(["graph", "-x*y", "x=2", "y=3", "--json"]) == 0
    assert said(capsys)["value"] == -6
    assert main(["graph", "x/y", "x=1", "y=0"]) == 0
    assert "divides by zero" in capsys.readouterr().out


def test_count(here: Path, capsys: Captured) -> None:
    assert main(["count", "32x32x3 conv5x5x64 pool2 conv3x3x128 pool2 fc10", "--json"]) == 0
    assert Count.from_json(said(capsys)).parameters == 160_650
    assert main(["count", "lenet", "--json"]) == 0
    assert said(capsys)["parameters"] == 61_706
    assert main(["count", "lenet", "--size", "32", "--json"]) == 0
    assert said(capsys)["parameters"] > 61_706
    assert main(["count", "lenet"]) == 0
    assert "61,706" in capsys.readouterr().out
    assert main(["count", "linear", "--json"]) == 0
    assert said(capsys)["parameters"] > 0


def test_convolve(tmp_path: Path, capsys: Captured) -> None:
    Image.fromarray((np.arange(400).reshape(20, 20) % 256).astype(np.uint8)).save(tmp_path / "ramp.png")
    words = ["convolve", str(tmp_path / "ramp.png"), "--kernel", "1 0 -1; 2 0 -2; 1 0 -1", "--stride", "2"]
    assert main([*words, "--padding", "valid", "--out", str(tmp_path / "out.png"), "--json"]) == 0
    found = said(capsys)
    with Image.open(tmp_path / "out.png") as written:
        assert (found["rows"], found["columns"]) == (9, 9) == written.size
    assert main([*words, "--padding", "1", "--out", str(tmp_path / "out.html")]) == 0
    assert not Page(tmp_path / "out.html").outside
    capsys.readouterr()
    assert main(words) == 0
    assert "One number" in capsys.readouterr().out


MISTAKES = {
    "no run": (["open", "nowhere", "a.png"], "nowhere"),
    "no input": (["open", "lenet", "missing.png"], "missing.png"),
    "no class": (["open", "lenet", "PICTURE", "--target", "zebra"], "zebra"),
    "pictures need a page": (["open", "lenet", "PICTURE", "--features"], "--out"),
    "no such unit": (["open", "lenet", "PICTURE", "--unit", "convolution_2:99", "--out", "x.html"], "99"),
    "not a unit": (["open", "lenet", "PICTURE", "--unit", "convolution_2", "--out", "x.html"], "convolution_2:5"),
    "another ending": (["open", "lenet", "PICTURE", "--out", "x.pdf"], ".html"),
    "no number": (["open", "numbers", "numbers.csv", "--target", "many"], "many"),
    "no rows": (["open", "table", "empty.csv"], "no rows"),
    "no such name": (["graph", "x*yy", "x=1", "y=2"], "yy"),
    "no value": (["graph", "x*y", "x=1"], "y"),
    "no assignment": (["graph", "x*y", "x=1", "y"], "y"),
    "not an expression": (["graph", "x.y", "x=1"], "x.y"),
    "no such word": (["count", "32x32x3 canv5x5x64"], "conv"),
    "no such preset": (["count", "lenett"], "lenett"),
    "no image": (["convolve", "missing.png"], "missing.png"),
    "no kernel": (["convolve", "PICTURE", "--kernel", "sobal-x"], "sobel-x"),
    "a ragged kernel": (["convolve", "PICTURE", "--kernel", "1 2; 3"], "row"),
    "padding": (["convolve", "PICTURE", "--padding", "some"], "some"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_one_sentence_for_every_mistake(name: str, here: Path, capsys: Captured) -> None:
    words, expected = MISTAKES[name]
    assert expected in mistake(capsys, *(picture(here) if word == "PICTURE" else word for word in words))


def test_nothing_is_overwritten(here: Path, tmp_path: Path, capsys: Captured) -> None:
    page = tmp_path / "page.html"
    page.write_text("mine", encoding="utf-8")
    assert "already exists" in mistake(capsys, "graph", "x*y", "x=1", "y=2", "--out", page)
    assert page.read_text(encoding="utf-8") == "mine"


def test_json_is_plain(here: Path, capsys: Captured) -> None:
    """Infinities and nan, which JSON has no way to write, come as strings."""
    assert main(["graph", "x/y", "x=1", "y=0", "--json"]) == 0
    assert json.loads(capsys.readouterr().out, parse_constant=pytest.fail)["value"] == "inf"
