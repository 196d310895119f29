"""Each row of the table "To add" in docs/architecture.md, followed literally in a copy of the package."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import glasswork
from made_data import write_npz, write_table

SOURCE = Path(glasswork.__file__).parent
ARCHITECTURE = Path(__file__).parents[2] / "docs" / "architecture.md"
STRANGER = Path(__file__).with_name("strangers.py")


@dataclass(frozen=True)
class House:
    """A copy of the package that is built on; `folder` is what is put on the path of Python."""

    folder: Path

    def add(self, name: str, text: str) -> None:
        """Writes a new file."""
        path = self.folder / "glasswork" / name
        assert not path.exists()
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def edit(self, name: str, *edits: tuple[str, str]) -> None:
        """Puts text behind text that stands in a file once."""
        path = self.folder / "glasswork" / name
        text = path.read_text(encoding="utf-8")
        for after, new in edits:
            assert text.count(after) == 1, after
            text = text.replace(after, after + new)
        path.write_text(text, encoding="utf-8")

    def run(self, *words: str | Path) -> str:
        """Carries `python WORDS` out with this package; what it printed."""
        environment = {**os.environ, "PYTHONPATH": str(self.folder), "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [sys.executable, *map(str, words)], env=environment, capture_output=True, text=True, timeout=250
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def train(self, preset: str, data: Path, *words: str) -> str:
        command = ("train", preset, "--data", data, "--epochs", "1", "--threads", "1", "--out", f"runs/{preset}")
        return self.run("-m", "glasswork", *command, *words, "--json")


@pytest.fixture
def house(tmp_path: Path) -> House:
    folder = tmp_path / "house"
    shutil.copytree(SOURCE, folder / "glasswork", ignore=shutil.ignore_patterns("__pycache__"))
    return House(folder)


KIND = """
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from glasswork.data.dataset import Dataset
from glasswork.data.kinds.kind import Inputs, Port


@dataclass(frozen=True)
"""


def add_network(house: House, folder: Path) -> None:
    house.add(
        "networks/means.py",
        '''"""A linear classifier on the mean of each channel."""

from torch import Tensor, nn


class Means(nn.Module):
    """The mean of each channel, then one layer."""

    def __init__(self, channels: int, outputs: int):
        super().__init__()
        self.output = nn.Linear(channels, outputs)

    def forward(self, images: Tensor) -> Tensor:
        scores: Tensor = self.output(images.mean((2, 3)))
        return scores
''',
    )
    house.edit(
        "systems/networks.py",
        ("from glasswork.networks.lenet import LeNet\n", "from glasswork.networks.means import Means\n"),
        (
            "NETWORKS: dict[str, NetworkEntry] = {\n",
            '    "means": NetworkEntry(lambda _, task: Means(_shape(task)[0], len(task.target.names)), 0.01, ""),\n',
        ),
    )
    house.edit(
        "systems/supervised/recipe.py",
        (
            "PRESETS = (\n",
            '    Preset("means", "supervised", {"network": "means"}, "digits", "the mean of each channel"),\n',
        ),
    )
    assert '"accuracy"' in house.train("means", write_npz(folder / "images.npz", "class"))
    assert "means" in house.run("-m", "glasswork", "systems")


def add_operation(house: House, folder: Path) -> None:
    house.edit(
        "textbook/activations.py",
        (
            '        return f"({rising} - {falling}) / ({rising} + {falling})"\n',
            '''

class Softsign(Pointwise):
    """A sigmoid that levels off slowly."""

    name = "softsign"
    formula = "h(a) = a / (1 + |a|)"
    latex = r"h(a) = \\frac{a}{1 + |a|}"
    source = "Bergstra et al. 2009"
    inputs = ("a",)

    def forward(self, a: Tensor) -> Tensor:
        return a / (1 + a.abs())

    def chain(self, upstream: Tensor, a: Tensor) -> Tensor:
        """h'(a) = 1 / (1 + |a|)^2."""
        return upstream / (1 + a.abs()) ** 2

    def words(self, write: Write, a: Tensor) -> str:
        return f"{write(a)} / (1 + |{write(a)}|)"
''',
        ),
    )
    house.edit("textbook/__init__.py", ('    "elu": "activations.ELU",\n', '    "softsign": "activations.Softsign",\n'))
    house.edit(
        "glassbox/trace/recognise.py",
        ("    LogSigmoid,\n", "    Softsign,\n"),
        ('    "tanh": call(Tanh()),\n', '    "softsign": call(Softsign()),\n'),
    )
    house.run(
        "-c",
        "import torch, glasswork\n"
        "network = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Softsign(), torch.nn.Linear(4, 2))\n"
        "trace = glasswork.open_network(network, torch.randn(2, 3), target=torch.tensor([0, 1]))\n"
        "assert 'softsign' in [one.name for one in trace.operations]\n"
        "assert all(one.known for one in trace.operations) and not trace.differing",
    )


def add_format(house: House, folder: Path) -> None:
    house.add(
        "data/formats/raw_grey.py",
        '''"""Grey images as bytes: a first byte for the class, then 12 x 12 pixels."""

from pathlib import Path

import numpy as np

from glasswork.data.dataset import Dataset, ReadingOptions
from glasswork.data.formats.arrays import Part, examples_of

FORMAT = "grey images as bytes (.grey)"


def claims(path: Path) -> bool:
    """Whether the name ends in .grey."""
    return path.suffix == ".grey"


def sources(path: Path) -> list[Path]:
    """The file."""
    return [path]


def read(path: Path, options: ReadingOptions) -> Dataset:
    """Reads the file."""
    rows = np.fromfile(path, np.uint8).reshape(-1, 145)
    return examples_of([Part(None, rows[:, 1:].reshape(-1, 12, 12), rows[:, 0], str(path))], options, str(path))
''',
    )
    house.edit(
        "data/reading.py",
        ("from glasswork.data.formats import cifar, clips, idx, image_folder, labelled_texts, npz, ", "raw_grey, "),
        ("\nREADERS: tuple[Reader, ...] = (", "raw_grey, "),
    )
    draws = np.random.default_rng(0)
    rows = draws.integers(0, 256, (60, 145), dtype=np.uint8)
    rows[:, 0] = np.arange(60) % 3
    path = folder / "images.grey"
    rows.tofile(path)
    assert '"accuracy"' in house.train("mlp", path)


def add_kind(house: House, folder: Path) -> None:
    text = STRANGER.read_text(encoding="utf-8")
    kind = text[text.index("LENGTH = ") : text.index("def plackett_luce")] + KIND + text[text.index("class Melodies") :]
    house.add("data/kinds/melodies.py", kind[: kind.index("    def read(self")])
    house.edit(
        "data/kinds/task.py",
        ("from glasswork.data.kinds.labels import Labels\n", "from glasswork.data.kinds.melodies import Melodies\n"),
        ("INPUTS: dict[str, type[Inputs]] = {kind.tag: kind for kind in (", "Melodies, "),
    )
    house.run(
        "-c",
        "from glasswork.data.kinds.melodies import Melodies\n"
        "from glasswork.data.kinds.one_class import OneClass\n"
        "from glasswork.data.kinds.task import Task\n"
        "task = Task(Melodies(), OneClass(('major', 'minor')))\n"
        "assert Task.from_json(task.to_json()) == task",
    )


def add_system(house: House, folder: Path) -> None:
    text = STRANGER.read_text(encoding="utf-8")
    start, end = text.index("class RankerRecipe"), text.index("class Ranker(")
    house.add("systems/ranker/__init__.py", '"""Ranking."""\n')
    house.add(
        "systems/ranker/recipe.py",
        '"""How a ranking is learnt."""\n\nfrom pydantic import Field\n\nfrom glasswork.recipe.base import Recipe\n'
        f"from glasswork.recipe.preset import Preset\n\n\n{text[start:end]}"
        'PRESETS = (Preset("ranker", "ranker", {}, None, "ranks instruments"),)\n',
    )
    imported = "from glasswork.systems.ranker.recipe import RankerRecipe\n"
    house.add("systems/ranker/system.py", text[:start].replace("\n\nLENGTH", f"\n{imported}\nLENGTH", 1) + text[end:])
    house.edit(
        "catalogue.py",
        (
            "from glasswork.systems.online import recipe as online\n",
            "from glasswork.systems.ranker import recipe as ranker\n",
        ),
        (
            '        Row("online", "Online", online.OnlineRecipe, online.PRESETS),\n',
            '        Row("ranker", "Ranker", ranker.RankerRecipe, ranker.PRESETS),\n',
        ),
    )
    house.run(
        "-c",
        "from pathlib import Path\nfrom glasswork.catalogue import make_system\n"
        "from glasswork.run.request import make_request\n"
        "asked = make_request('ranker', {})\n"
        "make_system(asked.system, asked.recipe).sample(Path())",
    )
    assert '"first_right"' in house.train("ranker", Path("melodies.csv"))
    assert "viola" in house.run("-m", "glasswork", "predict", "runs/ranker", "asked.csv")


def add_study(house: House, folder: Path) -> None:
    house.add(
        "studies/repeated.py",
        '''"""The same run with several seeds."""

from dataclasses import dataclass
from typing import Any

from glasswork.report.blocks import Text
from glasswork.report.report import Report, Section
from glasswork.studies.options import RepeatedOptions
from glasswork.studies.study import Progress, Running


@dataclass(frozen=True)
class Repeated:
    """The seeds."""

    seeds: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """The seeds."""
        return {"seeds": list(self.seeds)}

    def report(self) -> Report:
        """One section."""
        return Report("Seeds", [Section("Seeds", "", [Text(str(self.seeds))])], summary=[Text(f"seeds {self.seeds}")])


def repeated(options: RepeatedOptions) -> Running[Repeated]:
    """Counts seeds."""
    for seed in range(options.seeds):
        yield Progress(seed, options.seeds, f"seed {seed}")
    return Repeated(tuple(range(options.seeds)))
''',
    )
    house.edit(
        "studies/options.py",
        (
            "Several = tuple[str, ...]\n",
            '\n\nclass RepeatedOptions(Options):\n    """How often."""\n\n'
            '    seeds: int = Field(3, description="how many seeds")\n',
        ),
    )
    house.edit(
        "studies/table.py",
        (
            "STUDIES: dict[str, Study] = {\n",
            '    "repeated": Study(\n        function="repeated.repeated",\n        brief="several seeds",\n'
            '        sentence="the same with several seeds",\n        options="RepeatedOptions",\n'
            "        recipe=None,\n"
            "        outputs=PAGE,\n    ),\n",
        ),
    )
    assert "repeated" in house.run("-m", "glasswork", "--help")
    assert "seeds (0, 1)" in house.run("-m", "glasswork", "repeated", "--seeds", "2")


def add_your_own(house: House, folder: Path) -> None:
    (folder / "mine.py").write_text(
        "from torch import nn\n\n\nclass Mine(nn.Linear):\n    pass\n\n\ndef make(shape, outputs):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(shape[0], outputs))\n",
        encoding="utf-8",
    )
    house.train("own", write_table(folder / "table.csv", "class"), "--network", f"{folder / 'mine.py'}:make")
    (folder / "losses.py").write_text(
        "def squared(outputs, targets):\n    return outputs.square().mean()\n", encoding="utf-8"
    )
    house.train("mlp", folder / "table.csv", "--loss", f"{folder / 'losses.py'}:squared", "--out", "runs/loss")
    data, system = folder / "melodies.csv", f"{STRANGER}:Ranker"
    house.run(
        "-c",
        "from pathlib import Path\nfrom glasswork.catalogue import make_system, name_system\n"
        "from glasswork.run.request import make_request\n"
        f"row = name_system({system!r})\nmake_system(row.name, row.recipe()).sample(Path({str(folder)!r}))",
    )
    assert '"first_right"' in house.run(
        "-m", "glasswork", "train", "--system", system, "--data", data, "--epochs", "1", "--json"
    )


ROWS: dict[str, Callable[[House, Path], None]] = {
    "a network": add_network,
    "an operation": add_operation,
    "a format": add_format,
    "a kind": add_kind,
    "a lecture system": add_system,
    "a study": add_study,
    "your own network, loss or system": add_your_own,
}


def test_every_row_is_followed() -> None:
    table = ARCHITECTURE.read_text(encoding="utf-8").split("| to add | touch |")[1].split("\n\n")[0]
    assert [line.split("|")[1].strip() for line in table.splitlines()[2:]] == list(ROWS)


@pytest.mark.parametrize("row", ROWS)
def test_what_is_added_works(row: str, house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ROWS[row](house, tmp_path)
