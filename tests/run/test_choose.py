from pathlib import Path

import pytest

from glasswork.errors import GlassworkError
from glasswork.run.choose import choose_preset, choose_request
from made_data import write_folder, write_npz, write_table


def test_the_preset_follows_from_what_was_asked(tmp_path: Path) -> None:
    assert choose_preset({}) == "lenet"
    assert choose_preset({"network": "net.py:Net"}) == "own"
    assert choose_preset({"data": str(write_npz(tmp_path / "images.npz", "class"))}) == "lenet"
    assert choose_preset({"data": str(write_folder(tmp_path / "pictures")), "size": "12"}) == "lenet"
    assert choose_preset({"data": str(write_table(tmp_path / "table.csv", "class"))}) == "mlp"
    assert choose_preset({"data": str(tmp_path / "table.csv"), "target": "depth", "threads": 2}) == "mlp"


def test_values_are_checked_before_the_data_is_read(tmp_path: Path) -> None:
    with pytest.raises(GlassworkError, match="size = 'large' does not fit"):
        choose_preset({"data": str(tmp_path / "nothing"), "size": "large"})


def test_a_preset_that_is_named_is_taken() -> None:
    assert choose_request("linear", {"data": "anything"}).preset == "linear"
