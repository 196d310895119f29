"""`glasswork nearest` on the command line: of embeddings, of a classifier's features, among the run's data or other."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from glasswork.cli import main
from made_data import mistake, pictures, said, train, write_folder

COLOURS = {"left": 0, "middle": 1, "right": 2}


@pytest.fixture
def asked(tmp_path: Path) -> str:
    """A picture of the class `middle` that no run has seen."""
    images, _ = pictures(2, seed=7)
    Image.fromarray(images[1]).save(tmp_path / "asked.png")
    return str(tmp_path / "asked.png")


@pytest.mark.parametrize("preset", ["embed", "lenet"])
def test_the_nearest_of_the_run_s_own_data(
    preset: str, tmp_path: Path, asked: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_folder(tmp_path / "pictures", count=60)
    held = {"held_out_classes": "0"} if preset == "embed" else {}
    run = train(preset, data=data, epochs=8, learning_rate=0.01, **held)
    capsys.readouterr()
    assert main(["nearest", str(run), asked, "--count", "5", "--json"]) == 0
    found = said(capsys)
    distances = [one["distance"] for one in found["neighbours"]]
    assert len(distances) == 5 and distances == sorted(distances) and 0 <= distances[0] <= 2
    assert [one["class"] for one in found["neighbours"]].count("middle") >= 4
    assert all(one["class"] in one["name"] for one in found["neighbours"])
    assert ("last layer" in found["measure"]) == (preset == "lenet")
    copy = data / found["neighbours"][0]["name"].partition("pictures/")[2]
    copy = copy if copy.is_file() else next(data.rglob(Path(found["neighbours"][0]["name"]).name))
    assert main(["nearest", str(run), str(copy), "--count", "1", "--json"]) == 0
    [itself] = said(capsys)["neighbours"]
    assert Path(itself["name"]).name == copy.name and itself["distance"] == pytest.approx(0, abs=1e-2)


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    made = train("embed", data=write_folder(tmp_path / "pictures"), epochs=1, held_out_classes="0")
    capsys.readouterr()
    return str(made)


def test_among_other_pictures(run: str, tmp_path: Path, asked: str, capsys: pytest.CaptureFixture[str]) -> None:
    others = tmp_path / "others"
    others.mkdir()
    for place, image in enumerate(pictures(4, seed=3)[0]):
        Image.fromarray(image).convert("RGB").resize((40, 30)).save(others / f"{place}.png")
    (others / "broken.png").write_bytes(b"none")
    assert main(["nearest", run, asked, "--among", str(others), "--json"]) == 0
    printed = capsys.readouterr()
    assert "left out" in printed.err and "broken.png" in printed.err
    assert printed.out.count('"class": ""') == 4
    one = write_folder(tmp_path / "new" / "train", count=6)
    (one / "middle").rename(one / "another")
    assert main(["nearest", run, asked, "--among", str(one), "--json"]) == 0
    assert {each["class"] for each in said(capsys)["neighbours"]} == {"left", "another", "right"}


def test_as_pictures(run: str, asked: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nearest", run, asked, "--count", "7", "--out", "page.html"]) == 0
    page = Path("page.html").read_text(encoding="utf-8")
    assert page.count("<img") == 8 and page.count("distance ") >= 7
    assert main(["nearest", run, asked, "--count", "7", "--out", "sheet.png"]) == 0
    with Image.open(BytesIO(Path("sheet.png").read_bytes())) as sheet:
        assert sheet.width > 5 * 128 and sheet.height > 2 * 128
        assert len(set(sheet.convert("L").tobytes())) > 50
    assert capsys.readouterr().out == ""
    assert main(["nearest", run, asked]) == 0
    assert capsys.readouterr().out.splitlines()[0].split() == ["nearest", "class", "distance"]


def test_mistakes_in_words(run: str, asked: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "there.html").write_text("mine", encoding="utf-8")
    (tmp_path / "rows.csv").write_text("a,b,target\n1,2,x\n2,3,y\n3,4,x\n4,5,y\n", encoding="utf-8")
    for words, sentence in (
        (["none.png"], "none.png cannot be read"),
        ([asked, "--count", "0"], "at least 1"),
        ([asked, "--out", "page.txt"], "--out writes .html or .png"),
        ([asked, "--out", "there.html"], "already exists"),
        ([asked, "--among", "rows.csv"], "this model takes images of shape (1, 12, 12)"),
        ([asked, "--among", "nowhere"], "nowhere"),
    ):
        assert sentence in mistake(capsys, "nearest", run, *words), words
    assert (tmp_path / "there.html").read_text(encoding="utf-8") == "mine"
