import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from reader_samples import write_idx_pair, write_table

from glasswork.data import builtin as names
from glasswork.data.dataset import ReadingOptions
from glasswork.data.reading import read
from glasswork.errors import GlassworkError

OPTIONS = ReadingOptions()


def test_digits() -> None:
    examples = read("digits", OPTIONS)
    assert examples.columns["inputs"].shape == (1797, 1, 8, 8)
    assert examples.task.target.names == tuple("0123456789")
    assert examples.columns["inputs"].max() == 255
    assert examples.columns["inputs"][0, 0, 0].tolist() == [0, 0, 80, 207, 143, 16, 0, 0]
    assert examples.columns["targets"][:12].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    assert "split" not in examples.columns
    assert examples.source == "digits"


def test_no_slow_package_is_imported() -> None:
    code = (
        "import sys; from glasswork.data.reading import read; from glasswork.data.dataset import ReadingOptions;"
        "read('digits', ReadingOptions()); print({'sklearn', 'mlxtend', 'pandas', 'torchvision'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_a_size_can_be_asked_for() -> None:
    examples = read("digits", ReadingOptions(size=16, margin=2, channels=3))
    assert examples.columns["inputs"].shape == (1797, 3, 20, 20)
    assert (examples.task.inputs.shape, examples.margin) == ((3, 16, 16), 2)


def test_downloaded_before(tmp_path: Path) -> None:
    place = names.data_folder() / "mnist" / "MNIST" / "raw"
    for prefix in ("train-", "t10k-"):
        write_idx_pair(place, prefix, 9)
        write_idx_pair(place, prefix, 9, packed=True)  # torchvision leaves the archives beside
    assert read("mnist", OPTIONS).columns["split"].bincount().tolist() == [9, 0, 9]
    write_idx_pair(names.data_folder() / "mnist", "train-", 12)  # put there by hand
    assert len(read("mnist", OPTIONS)) == 12


def test_a_path_with_a_slash_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_table(tmp_path / "digits")
    assert len(read("digits", OPTIONS)) == 1797
    assert len(read("./digits", OPTIONS)) == 9
    assert len(read(Path("digits"), OPTIONS)) == 9


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
@pytest.mark.filterwarnings("ignore")  # torchvision's own, on its import and its attempts
def test_without_a_network(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(GlassworkError, match=f"'{name}' is not on this machine and could not be downloaded") as caught:
        read(name, OPTIONS)
    assert "\n" not in str(caught.value)


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(GlassworkError, match=r"nothing at minst.*did you mean mnist"):
        read("minst", OPTIONS)
    write_table(tmp_path)
    with pytest.raises(GlassworkError, match=r"did you mean .*some\.csv\?"):
        read(tmp_path / "sone.csv", OPTIONS)
    (tmp_path / "empty").mkdir()
    with pytest.raises(GlassworkError, match=r"empty is empty"):
        read(tmp_path / "empty", OPTIONS)
    (tmp_path / "song.mp3").write_bytes(b"ID3")
    with pytest.raises(GlassworkError, match=r"song\.mp3 is not in a supported format; these are: IDX"):
        read(tmp_path / "song.mp3", OPTIONS)


def test_equal_examples_have_equal_fingerprints() -> None:
    columns = read("digits", OPTIONS).columns
    flat = columns["inputs"].reshape(1797, -1).numpy()
    assert len(columns["fingerprints"].unique()) == len(np.unique(flat, axis=0))
    assert columns["fingerprints"].dtype == torch.int64
