"""`glasswork nearest` on the run of every preset: neighbours if it learnt from images, else one sentence."""

from pathlib import Path

import pytest
from PIL import Image

from glasswork.cli import main
from made_data import mistake, said, train
from required import every_family, sample_of

TRAINED_ON = {
    "speech": "recordings",
    "translate": "text",
    "function": "rows of a table",
    "xor": "rows of a table",
    "char-rnn": "text",
    "sentiment": "text",
    "tagger": "text",
    "video": "sequences",
    "forecast": "series over time",
}
"""What the sentence says of the inputs that are no images."""


@every_family
def test_nearest_of_a_run_of_every_preset(preset: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, options = sample_of(preset, tmp_path)
    run = train(preset, **{**options, "epochs": 1})
    asked = tmp_path / "asked.png"
    Image.new("L", (30, 20), 77).save(asked)
    capsys.readouterr()
    if preset in TRAINED_ON:
        sentence = f"This model takes no images: it was trained on {TRAINED_ON[preset]}"
        assert mistake(capsys, "nearest", run, asked) == sentence
    else:
        assert main(["nearest", str(run), str(asked), "--count", "3", "--json"]) == 0
        assert len(said(capsys)["neighbours"]) == 3
