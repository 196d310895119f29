"""Too little memory is one sentence with the estimate: before the allocation if it can be known, else after it."""

import re
import struct
import zipfile
from pathlib import Path

import pytest
import torch

from glasswork.data.scratch import scratch
from glasswork.errors import GlassworkError
from glasswork.execution import EnoughMemory, explain_arithmetic, explain_memory
from made_data import mistake, write_npz


def test_a_network_that_does_not_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_npz(tmp_path / "data.npz", "class")
    sentence = mistake(capsys, "train", "mlp", "--data", data, "--hidden", "1000000000", "--threads", "1")
    assert sentence.startswith("There is not enough memory for the weights of the network: 536.4 GB are needed, and of")
    assert not Path("runs").exists()


@pytest.mark.parametrize("value", ["100000", "1" + "0" * 18])
@pytest.mark.parametrize(
    ("flag", "sentence"),
    [
        ("--size", "a picture of 1[0,]+ by 1[0,]+ pixels: "),
        ("--restarts", "1[0,]+ networks that are trained at the same time: "),
    ],
)
def test_absurd_numbers(
    flag: str, sentence: str, value: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_npz(tmp_path / "data.npz", "class")
    said = mistake(capsys, "train", "mlp", "--data", data, flag, value, "--hidden", "1000,1000", "--threads", "1")
    assert re.match(f"There is not enough memory for {sentence}[0-9.,]+ GB are needed, and of ", said)
    assert not Path("runs").exists()


def test_many_small_layers_count_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glasswork.execution.memory_bytes", lambda device: (2**30, 2**20))
    with EnoughMemory("the weights", "choose less"):
        torch.manual_seed(0)
        small = torch.nn.Linear(10, 10)
    torch.manual_seed(0)
    assert torch.equal(small.weight, torch.nn.Linear(10, 10).weight)
    with (
        pytest.raises(GlassworkError, match=r"are needed, and of 1.0 GB 0.0 GB are free: choose less"),
        EnoughMemory("the weights", "choose less"),
    ):
        [torch.nn.Linear(1000, 100) for _ in range(200)]


def test_an_array_that_declares_more_than_there_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000000, 3), }".ljust(117) + b"\n"
    array = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(80)
    with zipfile.ZipFile(tmp_path / "big.npz", "w") as archive:
        archive.writestr("x.npy", array)
        archive.writestr("y.npy", array)
    assert mistake(capsys, "train", "mlp", "--data", tmp_path / "big.npz")


def test_examples_that_do_not_fit_on_the_disk_either() -> None:
    with pytest.raises(GlassworkError, match=r"not enough memory for the examples: .* choose a smaller --size"):
        scratch((10**9, 10**6))


def test_errors_of_allocations_are_told_in_one_sentence() -> None:
    with pytest.raises(RuntimeError) as refused:
        torch.empty(10**15)
    assert "3,725,290.3 GB were asked for at once" in str(explain_memory(refused.value))
    assert explain_memory(RuntimeError("shapes do not fit")) is None
    assert str(explain_memory(MemoryError())).startswith("There is not enough memory: try")


def test_arithmetic_that_the_processor_lacks_is_explained() -> None:
    refused = RuntimeError("could not create a primitive descriptor for the LSTM forward propagation primitive.")
    assert "use --precision float32" in str(explain_arithmetic(refused))
    assert explain_arithmetic(RuntimeError("shapes do not fit")) is None
