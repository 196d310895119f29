"""What a training and a look into its model leave in memory: nothing."""

import gc
import warnings
from pathlib import Path

import pytest
import torch

from glasswork.cli import main
from made_data import train
from required import every_family, sample_of


def tensors() -> int:
    """How many numbers the tensors hold that Python can still reach."""
    gc.collect()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # isinstance asks lazy modules of torch for their class
        found = {id(one): one.numel() for one in gc.get_objects() if isinstance(one, torch.Tensor)}
    return sum(found.values())


@every_family
def test_nothing_is_left_in_memory(preset: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample, options = sample_of(preset, tmp_path)

    def use(out: str) -> None:
        run = train(preset, out=out, **{**options, "epochs": 1})
        for words in (["evaluate", run], ["predict", run, *sample.asked], ["open", run, sample.asked[0]]):
            assert main([*map(str, words), "--json"]) == 0
        capsys.readouterr()

    use("first")
    before = tensors()
    use("second")
    assert tensors() <= before
