"""Mistakes of users: the command lines that the tests know, whose exit code and sentence are recorded."""

from pathlib import Path

import numpy as np
from PIL import Image
from tests.golden import data
from tests.golden.refused_data import DAMAGED, UNREADABLE, changed, unreadable
from tests.golden.scene import PLAIN, Scene, Stopped
from tests.made_files import (
    write_folder,
    write_npz,
    write_sentences,
    write_series,
    write_table,
    write_text,
)

HERE = Path()


def refused(name: str, prepare: object, lines: str, *before: object) -> Scene:
    """A scene of mistakes, one on a line of `lines`; what they need is trained before."""
    assert callable(prepare)
    words = tuple(f"! {line.replace('PLAIN', PLAIN)}" for line in lines.strip().splitlines())
    assert len(set(words)) == len(words), f"{name} holds a line twice"
    return Scene(name, prepare, (*before, *words))


def lines_in(name: str) -> str:
    """The mistakes in a file beside this one, a command line each; PLAIN stands for what keeps a run from measuring."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def world() -> None:
    """Data of every kind, and files that are in the way."""
    write_npz(HERE / "images.npz", "class")
    write_npz(HERE / "several.npz", "classes")
    write_npz(HERE / "lengths.npz", "number")
    write_folder(HERE / "pictures")
    write_table(HERE / "table.csv", "class")
    write_table(HERE / "numbers.csv", "number")
    write_text(HERE / "text.txt")
    write_text(HERE / "short.txt", 60)
    write_series(HERE / "series.csv")
    write_sentences(HERE / "data.conll")
    header = (HERE / "table.csv").read_text(encoding="utf-8").splitlines()[0]
    (HERE / "empty.csv").write_text(header + "\n", encoding="utf-8")
    (HERE / "page.html").write_text("mine", encoding="utf-8")
    (HERE / "mine").mkdir()
    (HERE / "mine" / "thesis.txt").write_text("years of work", encoding="utf-8")
    (HERE / "words.db").write_text("no database", encoding="utf-8")
    (HERE / "source.txt").write_text("how hello\n  who low\n" * 40, encoding="utf-8")
    (HERE / "tiny.txt").write_text("h", encoding="utf-8")
    np.savez(HERE / "nan.npz", x=np.where(np.arange(240).reshape(60, 4) == 30, np.nan, 1.5), y=np.arange(60) % 2)
    Image.new("RGB", (9, 9)).save(HERE / "tiny.png")
    data.one_picture()
    data.slide(HERE / "new.png", 37, (20, 20))
    for name, text in RECIPES.items():
        (HERE / f"{name}.toml").write_text(text, encoding="utf-8")
    for name, code in NETWORKS.items():
        (HERE / f"{name}.py").write_text(code + "\n", encoding="utf-8")


RECIPES = {
    "unknown": 'preset = "lenet"\nlerning_rate = 0.1\n',
    "many": 'preset = "lenet"\nepochs = "many"\n',
    "thread": 'preset = "lenet"\n[machine]\nthread = 1\n',
    "lenett": 'preset = "lenett"\n',
    "unnamed": "epochs = 1\n",
    "broken": "preset = \n",
    "number": "preset = 3\n",
    "fixed": 'preset = "mlp"\ndata = "table.csv"\nhidden = [8]\nbatch_size = 8\nlearning_rate = 0.01\ndropout = 0.1\n'
    "momentum = 0.9\nweight_decay = 0.0\nlabel_smoothing = 0.0\n",
}

NETWORKS = {
    "plain": "class Net: pass",
    "importing": "import nothing_of_that_name",
    "syntax": "class Net(:",
    "needing": "class Net:\n    def __init__(self, depth): pass",
    "outputs": "from torch import nn\ndef Net(features): return nn.Sequential(nn.Flatten(), nn.Linear(features, 7))",
    "inputs": "from torch import nn\ndef Net(): return nn.Sequential(nn.Flatten(), nn.Linear(5, 3))",
    "weightless": "from torch import nn\nclass Net(nn.Module):\n    def forward(self, x): return x.flatten(1)[:, :3]",
    "two": "from torch import nn\nclass Net(nn.Module):\n    def forward(self, x): return x, x",
}

SMALL = f"--epochs 1 --batch-size 8 {PLAIN}"

TRAINED: tuple[object, ...] = (
    f"train lenet --data pictures {SMALL} --out runs/images --json",
    f"train mlp --data table.csv {SMALL} --out runs/table --json",
    f"train mlp --data numbers.csv {SMALL} --out runs/numbers --json",
    f"train char-rnn --data text.txt --hidden-size 6 --bptt-length 20 {SMALL} --out runs/chars --json",
    f"train tagger --data data.conll --hidden-size 3 --embedding 2 {SMALL} --out runs/tagger --json",
    f"train forecast --data series.csv --target demand --horizon 3 --window 8 --hidden-size 4 --ensemble-size 1 "
    f"--quantiles 5 {SMALL} --out runs/series --json",
    Stopped(f"lenet --data images.npz {SMALL}", 3, "runs/halfway"),
)


def world_of_runs() -> None:
    world()
    lines = write_series(HERE / "newer.csv", 130).read_text(encoding="utf-8").splitlines()
    (HERE / "gaps.csv").write_text("\n".join([lines[0], *lines[1::2]]) + "\n", encoding="utf-8")
    (HERE / "start.csv").write_text("\n".join(lines[:9]) + "\n", encoding="utf-8")
    (HERE / "bare.csv").write_text("date,demand\n2024-01-01,1\n2024-01-02,2\n", encoding="utf-8")


REFUSALS: tuple[Scene, ...] = (
    refused("refused-words", world, lines_in("refused_words.txt")),
    refused("refused-of-runs", world_of_runs, lines_in("refused_of_runs.txt"), *TRAINED),
    refused("refused-data", unreadable, UNREADABLE),
    Scene("refused-damaged", changed, DAMAGED),
)
