"""A trained run can always be finished: the model comes first, and a finding that fails is left out and said."""

import json
from pathlib import Path

import pytest

from glasswork.cli import main
from glasswork.run import finish
from glasswork.show import html
from glasswork.systems.learning import Learning
from glasswork.systems.supervised.system import Supervised
from made_data import PLAIN, flags, mistake, said, write_table, write_text

Captured = pytest.CaptureFixture[str]


def divide(*arguments: object, **options: object) -> None:
    raise ZeroDivisionError("division by zero")


def train_anyway(tmp_path: Path, *more: str) -> list[str]:
    data = write_table(tmp_path / "table.csv", "class")
    return ["train", "mlp", *flags({**PLAIN, "data": data, "epochs": 2, "out": "run"}), *more]


def test_what_a_system_says_may_fail(tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    words = train_anyway(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(Supervised, "report", divide)
        assert main(words) == 0
        printed = capsys.readouterr()
        assert "note: what only this system says in its report is left out" in printed.out
        assert "ZeroDivisionError: division by zero" in printed.out and "Traceback" not in printed.out + printed.err
        result = json.loads(Path("run/result.json").read_text(encoding="utf-8"))
        assert len(result["left_out"]) == 1 and "accuracy" in result["test"]
        page = Path("run/report.html").read_text(encoding="utf-8")
        assert "what only this system says in its report is left out" in page and "How it learned" in page
        assert "divide" in Path("run/left_out.txt").read_text(encoding="utf-8")
        assert main(["resume", "run", "--json"]) == 0
        assert "left_out" in said(capsys)
    assert main(["evaluate", "run", "--json"]) == 0
    assert said(capsys)["metrics"] == pytest.approx(result["test"])
    assert main(["resume", "run", "--json"]) == 0
    assert "left_out" not in said(capsys)
    assert not Path("run/left_out.txt").exists()


def test_the_figures_themselves_may_fail(tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    words = train_anyway(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(Supervised, "evaluate", divide)
        assert main(words) == 0
        assert "the figures on the test examples are left out" in capsys.readouterr().out
    assert json.loads(Path("run/result.json").read_text(encoding="utf-8"))["test"] == {}
    assert main(["runs"]) == 0
    assert main(["compare", "run", "run"]) == 0
    assert main(["evaluate", "run"]) == 0


def test_a_section_that_cannot_be_drawn_is_left_out(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = html.draw_section

    def draw(section: html.Section) -> object:
        return divide() if section.title == "The data" else drawn(section)

    with monkeypatch.context() as patch:
        patch.setattr(html, "draw_section", draw)
        patch.setattr(finish, "draw_section", draw)
        assert main(train_anyway(tmp_path, "--json")) == 0
    (sentence,) = said(capsys)["left_out"]
    assert sentence.startswith("the section 'The data' is left out")
    page = Path("run/report.html").read_text(encoding="utf-8")
    assert "<h2>The data" not in page and "How it learned" in page


@pytest.mark.parametrize("broken", ["layers", "curves", "plane"])
def test_tables_and_pictures_may_fail(
    broken: str, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    where, name, said_of = {
        "layers": (finish, "_layers", "the table of layers is"),
        "curves": (finish, "_epochs", "the learning curves are"),
        "plane": (Learning, "_over_plane", "the picture of the plane is"),
    }[broken]
    monkeypatch.setattr(where, name, divide)
    assert main(train_anyway(tmp_path, "--json")) == 0
    (sentence,) = said(capsys)["left_out"]
    assert sentence.startswith(f"{said_of} left out")
    assert "left out" in Path("run/report.html").read_text(encoding="utf-8")


def test_the_model_is_written_before_anything_is_measured(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Learning, "finish", stop)
        assert main(train_anyway(tmp_path)) == 130
    assert main(["evaluate", "run"]) == 0
    assert main(["resume", "run"]) == 0


def test_eighty_days_of_one_value(tmp_path: Path, capsys: Captured) -> None:
    lines = [f"2024-{1 + day // 28:02d}-{1 + day % 28:02d},5" for day in range(80)]
    (tmp_path / "flat.csv").write_text("\n".join(["date,y", *lines, ""]), encoding="utf-8")
    assert main(["train", "forecast", "--data", "flat.csv", "--epochs", "2", "--out", "run"]) in (0, 2)
    assert "Traceback" not in "".join(capsys.readouterr())


def test_a_text_of_one_character_is_measured_on_nothing(tmp_path: Path, capsys: Captured) -> None:
    write_text(tmp_path / "text.txt")
    (tmp_path / "one.txt").write_text("a", encoding="utf-8")
    words = flags({**PLAIN, "data": "text.txt", "epochs": 1, "hidden_size": 4, "out": "run"})
    assert main(["train", "char-rnn", *words]) == 0
    assert "one.txt has 1 character to measure on" in mistake(capsys, "evaluate", "run", "--data", "one.txt")
