"""A system outside of the package, in one file, keeps every promise through --system; its code runs only if named."""

import json
from pathlib import Path

import pytest

import glasswork as gw
from glasswork.catalogue import OWN, make_system, name_system
from glasswork.cli import main
from glasswork.glassbox.trace.trace import Trace
from glasswork.systems.sample import Sample
from made_data import PLAIN, flags, mistake, require_same, said

WORD = f"{Path(__file__).parent / 'strangers.py'}:Ranker"
NAMED = ["--system", WORD]


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    row = name_system(WORD)
    return make_system(row.name, row.recipe()).sample(tmp_path)


def train(sample: Sample, capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    options = flags({**PLAIN, "data": sample.data, "out": "run", **sample.options})
    assert main(["train", *NAMED, *options, "--json"]) == 0
    return said(capsys)


def test_it_trains_predicts_is_measured_and_opened(sample: Sample, capsys: pytest.CaptureFixture[str]) -> None:
    result = train(sample, capsys)
    assert result["preset"] == "ranker" and "first_right" in result["test"]  # type: ignore[operator]
    page = Path("run/report.html").read_text(encoding="utf-8")
    assert "What suits" in page and f"glasswork evaluate run --data PATH --system {WORD}" in page
    assert main(["evaluate", "run", *NAMED, "--json"]) == 0
    assert said(capsys)["metrics"] == pytest.approx(result["test"])
    assert main(["predict", "run", *sample.asked, "--csv", "said.csv", *NAMED, "--json"]) == 0
    assert sorted(said(capsys)["answers"][0]["answer"]) == ["flute", "horn", "viola"]
    assert len(Path("said.csv").read_text(encoding="utf-8").splitlines()) == 3
    assert main(["open", "run", sample.asked[0], "--target", str(sample.target), *NAMED, "--json"]) == 0
    assert not Trace.from_json(said(capsys)).differing
    assert main(["diagnose", "run", *NAMED, "--json"]) == 0
    capsys.readouterr()
    assert main(["export", "run", "--to", "onnx", *NAMED, "--json"]) == 0
    assert said(capsys)["difference"] < 1e-4


def test_it_goes_on_as_if_never_stopped(sample: Sample) -> None:
    options = {**PLAIN, "data": sample.data, **sample.options}
    whole = Path(gw.train(system=WORD, out="whole", **options).run)
    steps = gw.steps(system=WORD, out="part", **options)
    for _ in range(4):
        next(steps)
    steps.close()
    assert main(["resume", "part", *NAMED]) == 0
    require_same(Path("whole") if not whole.exists() else whole, Path("part"))


def test_its_settings_are_compared_and_searched(sample: Sample, capsys: pytest.CaptureFixture[str]) -> None:
    few = ["--data", sample.data, "--epochs", "1", "--json"]
    assert main(["crossvalidate", *NAMED, "--hidden-size", "4", "8", "--folds", "2", *few]) == 0
    assert len(said(capsys)["settings"]) == 2
    assert main(["tune", *NAMED, "--trials", "2", *few]) == 0
    assert len(said(capsys)["trials"]) == 2
    assert main(["tune", *NAMED, "--trials", "2", "--workers", "2", "--judge", "first_right", *few]) == 0
    found = said(capsys)
    states = [trial["state"] for trial in found["trials"]]
    assert states.count("finished") == 2 and set(states) <= {"finished", "stopped"}  # both workers may begin the last
    assert not found["smaller_is_better"]


def test_its_code_runs_only_if_it_is_named(sample: Sample, capsys: pytest.CaptureFixture[str]) -> None:
    train(sample, capsys)
    assert f"add --system {WORD}" in mistake(capsys, "predict", "run", *sample.asked)
    assert not OWN
    assert json.loads(Path("run/model/model.json").read_text(encoding="utf-8"))["system"] == WORD


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("Ranker", "names no system"),
        ("missing.py:Ranker", "There is no file missing.py"),
        (f"{WORD}s", "has no class 'Rankers'"),
        (WORD.replace("Ranker", "Melodies"), "is not a system"),
    ],
)
def test_what_is_no_system_is_refused(word: str, sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert sentence in mistake(capsys, "train", "--system", word)
