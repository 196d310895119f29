"""Names of files that are not text in any encoding, or markup: printed, written into runs and pages, read back."""

from pathlib import Path

import pytest

from glasswork.cli import main
from made_data import PLAIN, flags, said, write_table

NAMES = [
    "[red]x[bold].csv",
    "[link=x].csv",
    "line\nbreak\x1b[31m.csv",
    "\u202eright.csv",
    "-flag.csv",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_run_of_data_under_a_hostile_name(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_table(tmp_path / "table.csv", "class")
    (tmp_path / "table.csv").rename(tmp_path / name)
    assert main(["train", "mlp", f"--data={name}", *flags({**PLAIN, "epochs": 1, "out": "run"})]) == 0
    capsys.readouterr()
    assert main(["evaluate", "run", "--json"]) == 0
    assert "accuracy" in said(capsys)["metrics"]
    assert main(["predict", "run", str(tmp_path / name), "--out", "page.html"]) == 0
    assert main(["resume", "run"]) == 0
    assert main(["train", "--from", "run", *flags({**PLAIN, "epochs": 1, "out": "more"})]) == 0
    for words in (["runs"], ["compare", "run", "more"], ["train", "more/recipe.toml", "--out", "again"]):
        assert main(words) == 0


def test_a_run_in_a_folder_that_is_not_utf_8(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_table(tmp_path / "table.csv", "class")
    words = flags({**PLAIN, "data": "table.csv", "epochs": 1})
    assert main(["train", "mlp", *words, "--out", "run\udcff"]) == 0
    assert main(["evaluate", "run\udcff"]) == 0
    assert main(["train", "--from", "run\udcff", *flags(PLAIN), "--out", "more"]) == 0
    assert main(["resume", "more"]) == 0
