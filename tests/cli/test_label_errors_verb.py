"""`glasswork label-errors` on the command line."""

import csv
import json
from pathlib import Path

import pytest

from glasswork.cli import main
from made_data import write_folder, write_table

QUICK = ["--folds", "3", "--epochs", "12", "--threads", "1"]


def with_wrong_labels(folder: Path) -> tuple[Path, set[str]]:
    """Images in class folders, two of them in another class's folder."""
    path = write_folder(folder, count=90)
    moved = set()
    for number, right, wrong in ((0, "left", "right"), (4, "middle", "left")):
        (path / right / f"{number}.png").rename(path / wrong / f"{number}.png")
        moved.add(f"{wrong}/{number}.png")
    return path, moved


def test_images_in_the_wrong_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, moved = with_wrong_labels(tmp_path / "pictures")
    before = sorted(path.rglob("*"))
    out = ["--out", "suspects.html", "--csv", "suspects.csv", "--json"]
    assert main(["label-errors", str(path), "--preset", "mlp", *QUICK, *out]) == 0
    found = json.loads(capsys.readouterr().out)
    first = {suspect["name"] for suspect in found["suspects"][:2]}
    assert {str(Path(name).parent.name + "/" + Path(name).name) for name in first} == moved
    with Path("suspects.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["row"]) for row in rows] == [suspect["row"] for suspect in found["suspects"]]
    assert list(rows[0]) == list(found["suspects"][0])
    page = Path("suspects.html").read_text(encoding="utf-8")
    assert page.count("<img") == min(60, len(found["suspects"]))
    assert 'label <b class="wrong">right</b>' in page
    assert sorted(path.rglob("*")) == before


def test_rows_of_a_table_are_named_by_their_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_table(tmp_path / "data.csv", "class", count=120)
    lines = path.read_text(encoding="utf-8").splitlines()
    wrong = next(place for place, line in enumerate(lines) if line.endswith("high") and place > 20)
    lines[wrong] = lines[wrong].removesuffix("high") + "low"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert main(["label-errors", str(path), *QUICK, "--out", "page.html"]) == 0
    printed = capsys.readouterr().out
    assert f"row {wrong}" in printed
    page = Path("page.html").read_text(encoding="utf-8")
    assert f"row {wrong}<" in page
    assert "<img" not in page


@pytest.mark.parametrize("name", ["page.txt", "there.html"])
def test_a_page_that_cannot_be_written_is_refused_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (tmp_path / "there.html").write_text("mine", encoding="utf-8")
    data = write_table(tmp_path / "data.csv", "class")
    assert main(["label-errors", str(data), *QUICK, "--out", name]) == 2
    assert "page.txt" in (said := capsys.readouterr().err) or "already exists" in said
    assert (tmp_path / "there.html").read_text(encoding="utf-8") == "mine"
