"""`glasswork nearest` on the run of every preset: neighbours if it learnt from images, else one sentence."""

from pathlib import Path

import pytest
from PIL import Image
from test_systems import INPUTS, fitting, write_data

from glasswork.catalogue import PRESETS
from glasswork.cli import main
from glasswork.systems.supervised.recipe import DEEP
from made_data import mistake, said, train

TRAINED_ON = {
    "rows": "rows of a table",
    "text": "text",
    "texts": "text",
    "sentences": "text",
    "clips": "sequences",
    "series": "series over time",
}
"""What the sentence says of the inputs that are no images."""


@pytest.mark.parametrize("preset", [preset for preset in PRESETS if preset not in DEEP])
def test_nearest_of_a_run_of_every_preset(preset: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inputs = INPUTS.get(preset, "images")
    run = train(preset, data=write_data(preset, inputs, "class", tmp_path), epochs=1, **fitting(preset, tmp_path))
    asked = tmp_path / "asked.png"
    Image.new("L", (30, 20), 77).save(asked)
    capsys.readouterr()
    if inputs == "images":
        assert main(["nearest", str(run), str(asked), "--count", "3", "--json"]) == 0
        assert len(said(capsys)["neighbours"]) == 3
    else:
        sentence = f"This model takes no images: it was trained on {TRAINED_ON[inputs]}"
        assert mistake(capsys, "nearest", run, asked) == sentence
