"""`glasswork transfer` on the command line: text, JSON, the page, mistakes, Ctrl-C."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from PIL import Image

from glasswork.cli import main
from glasswork.networks.convnet_small import ConvNetSmall
from made_data import mistake, pictures, said, write_npz, write_table

WAYS = ["scratch", "frozen", "fine-tuned", "features-svm", "features-logistic"]
QUICK = "--splits 3 --network convnet-small --size 12 --epochs 1 --scratch-epochs 1 --scratch-size 16 --threads 1"


@pytest.fixture
def asked(tmp_path: Path) -> list[str]:
    """The verb on 30 pictures of two classes, with weights in a file."""
    torch.manual_seed(0)
    torch.save(ConvNetSmall((3, 12, 12), 5).state_dict(), tmp_path / "weights.pth")
    images, labels = pictures(30, classes=2)
    for place, (image, label) in enumerate(zip(images, labels, strict=True)):
        folder = tmp_path / "photos" / ("cat", "dog")[label]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{'abcde'[place % 5]}-{place // 5}.png")
    return ["transfer", str(tmp_path / "photos"), "--weights", str(tmp_path / "weights.pth"), *QUICK.split()]


def test_json(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*asked, "--json"]) == 0
    found = said(capsys)
    assert list(found["ways"]) == WAYS
    for way in found["ways"].values():
        low, high = way["interval"]
        assert 0 <= low <= way["accuracy"] <= high <= 1
        assert len(way["splits"]) == 3 and way["accuracy"] == pytest.approx(sum(way["splits"]) / 3)
        assert way["sentence"] and way["seconds"] >= 0
    assert {(one["first"], one["second"]) for one in found["differences"]} == {
        (first, second) for place, first in enumerate(WAYS) for second in WAYS[:place]
    }
    assert (found["examples"], found["groups"], found["splits"], found["curve"]) == (30, 10, 3, [])
    assert found["largest_class"] == 0.5 and found["classes"] == ["cat", "dog"]


def test_text_and_pages(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*asked, "--curve", "--out", "page.html"]) == 0
    printed = capsys.readouterr()
    for words in (
        "against frozen",
        "95 % interval",
        "training pictures",
        "next:",
        "images of one thing are on the same side",
    ):
        assert words in printed.out
    assert "written to page.html" in printed.err
    page = Path("page.html").read_text(encoding="utf-8")
    for words in (
        *WAYS,
        "By amount of data",
        "always predicting the largest class",
        "glasswork train transfer --data",
    ):
        assert words in page
    assert "nan" not in page.lower().replace("finance", "") and page.count("<svg") == 3
    assert main([*asked, "--out", "figures.json", "--json"]) == 0
    assert json.loads(Path("figures.json").read_text(encoding="utf-8")) == said(capsys)


def test_the_command_that_it_ends_with_trains(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(asked) == 0
    command = capsys.readouterr().out.rpartition("next:\n")[2].split()
    assert command[:3] == ["glasswork", "train", "transfer"]
    assert main([*command[1:], "--epochs", "1", "--out", "run", "--json"]) == 0
    assert said(capsys)["preset"] == "transfer"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--weights", "nowhere"], "There are no weights called 'nowhere'"),
        (["--weights", "nowhere.pth"], "There is no file nowhere.pth"),
        (["--network", "lenet"], "Transfer has no network 'lenet': use convnet-small"),
        (["--network", "lennet"], "Transfer has no network 'lennet'"),
        (["--scratch", "nothing"], "Transfer has no network 'nothing'"),
        (["--splits", "2"], "at least 3 for an interval"),
        (["--splits", "16"], "Class 'cat' has 15 pictures, and each of 16 splits needs one to judge"),
        (["--threads", "0"], "threads has to be at least 1, not 0"),
        (["--device", "abacus"], "abacus"),
        (["--out", "page.pdf"], "--out writes .html or .json"),
        (["--out", "nowhere/page.html"], "There is no folder nowhere"),
        (["--epochs", "many"], "invalid int value"),
    ],
)
def test_mistakes_in_words(
    words: list[str], sentence: str, asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert sentence in mistake(capsys, *asked, *words)


def test_data_that_cannot_be_compared(asked: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(asked[1])
    several, table = write_npz(tmp_path / "several.npz", "classes"), write_table(tmp_path / "table.csv", "class")
    (folder / "fish").mkdir()
    Image.new("L", (12, 12)).save(folder / "fish" / "only.png")
    for data, sentence in (
        (folder, "fish"),
        (several, "images with one class each"),
        (table, "images with one class each"),
        (tmp_path / "nowhere", "nowhere"),
    ):
        assert sentence in mistake(capsys, "transfer", data, *asked[2:])
    (folder / "fish" / "only.png").rename(folder / "fish" / "one.png")
    Image.new("L", (12, 12), 9).save(folder / "fish" / "two.png")
    assert "Class 'fish' has 2 pictures, and each of 3 splits needs one" in mistake(capsys, *asked)


def test_what_is_there_is_not_written_over(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    Path("page.html").write_text("mine", encoding="utf-8")
    assert "page.html already exists" in mistake(capsys, *asked, "--out", "page.html")
    assert Path("page.html").read_text(encoding="utf-8") == "mine"


HEARING = """
import signal, sys
from glasswork.cli import main

signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell may have told its jobs to ignore
sys.exit(main(sys.argv[1:]))
"""


def test_ctrl_c(asked: list[str]) -> None:
    words = [*asked, "--scratch-epochs", "400"]
    process = subprocess.Popen(
        [sys.executable, "-c", HEARING, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    lines = iter(process.stderr)
    assert any("split 1 of 3: scratch" in line for line in lines)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    try:
        output, errors = process.communicate(timeout=30)
    finally:
        process.kill()
    assert (process.returncode, output) == (130, "")
    assert "stopped after" in errors and "Traceback" not in errors
