"""Clips with a label per frame: layouts, and what a user may get wrong."""

from pathlib import Path

import numpy as np
import pytest
import torch

from glasswork.data.dataset import TEST, TRAINING, ReadingOptions
from glasswork.data.formats import clips
from glasswork.data.reading import read
from glasswork.errors import GlassworkError
from made_data import moving_spot, write_clips, write_video


def write_pair(folder: Path, name: str, clip: int, times: int = 6) -> Path:
    frames, labels = moving_spot(clip, times)
    folder.mkdir(parents=True, exist_ok=True)
    rows = [f"{time},{label},{time % 3}" for time, label in enumerate(labels)]
    (folder / f"{name}.csv").write_text("\n".join(["frame,direction,third", *rows, ""]), encoding="utf-8-sig")
    return write_video(folder / f"{name}.mp4", frames)


def test_videos_and_folders_of_pictures_show_the_same(tmp_path: Path) -> None:
    pictures = read(write_clips(tmp_path / "pictures", 4), ReadingOptions(32))
    for clip in range(4):
        write_pair(tmp_path / "videos", f"clip{clip}", clip)
    videos = read(tmp_path / "videos", ReadingOptions(32, target="direction"))
    assert pictures.task == videos.task
    assert pictures.task.inputs.shape == (3, 32, 32)
    assert pictures.task.target.names == ("left", "right")
    assert torch.equal(pictures.columns["targets"], videos.columns["targets"])
    assert pictures.offsets["inputs"].tolist() == videos.offsets["inputs"].tolist() == [0, 6, 12, 18, 24]
    difference = (pictures.columns["inputs"].int() - videos.columns["inputs"].int()).abs().float()
    assert float(difference.mean()) < 12  # the video is compressed
    brightest = pictures.columns["inputs"][:6, 0].float().sum(1).argmax(1)
    assert (
        brightest.diff() % 28 == 24
    ).all()  # left by 4, from one side on to the other, and nothing is cut off at the sides


def test_a_listing_says_the_split(tmp_path: Path) -> None:
    write_clips(tmp_path, 3)
    listing = "clip,labels,split\nclip0,labels0.csv,train\nclip1,labels1.csv,train\nclip2,labels2.csv,test\n"
    (tmp_path / "clips.csv").write_text(listing, encoding="utf-8")
    assert read(tmp_path, ReadingOptions(16)).columns["split"].tolist() == [TRAINING, TRAINING, TEST]
    assert read(tmp_path / "clips.csv", ReadingOptions(16)).columns["split"].tolist() == [TRAINING, TRAINING, TEST]


def test_the_column_of_labels_has_to_be_chosen(tmp_path: Path) -> None:
    for clip in range(2):
        write_pair(tmp_path, f"clip{clip}", clip)
    with pytest.raises(GlassworkError, match=r"2 columns that could be the label \(direction, third\).*--target"):
        read(tmp_path, ReadingOptions())
    with pytest.raises(GlassworkError, match="no column 'way': it has frame, direction, third"):
        read(tmp_path, ReadingOptions(target="way"))
    assert read(tmp_path, ReadingOptions(target="third")).task.target.names == ("0", "1", "2")


def test_a_truncated_video_is_named_and_left_out(tmp_path: Path) -> None:
    paths = [write_pair(tmp_path, f"clip{clip}", clip) for clip in range(3)]
    paths[1].write_bytes(paths[1].read_bytes()[:700])
    examples = read(tmp_path, ReadingOptions(16, target="direction"))
    assert len(examples) == 2
    assert examples.names == ["clip0.mp4", "clip2.mp4"]
    (sentence,) = examples.skipped
    assert "clip1.mp4 is not readable as a video, or is cut off" in sentence
    with pytest.raises(GlassworkError, match=r"clip1\.mp4 is not readable"):
        read(tmp_path, ReadingOptions(16, target="direction", strict=True))


def test_frames_and_labels_have_to_be_as_many(tmp_path: Path) -> None:
    for clip in range(2):
        write_pair(tmp_path, f"clip{clip}", clip)
    table = tmp_path / "clip0.csv"
    table.write_text("frame,direction\n0,left\n1,right\n", encoding="utf-8")
    examples = read(tmp_path, ReadingOptions(16, target="direction", classes_known=True))
    assert len(examples) == 1
    assert "clip0.mp4 has 6 frames, and" in examples.skipped[0]
    assert "labels 2" in examples.skipped[0]


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("labels0.csv", "frame,direction\n0,left\n1,\n", "Line 3 of .* has no label in the column 'direction'"),
        ("labels0.csv", "frame,direction\n0,left,more\n", "Line 2 of .* has more cells than the header"),
        ("labels0.csv", "frame,direction\n", "holds no label"),
        ("clips.csv", "clip,labels\nclip0,\n", "Line 2 of .* names no clip and labels"),
        ("clips.csv", "clip,labels\nclip9,labels0.csv\n", "There is no .*clip9, which line 2"),
        (
            "clips.csv",
            "clip,labels,split\nclip0,labels0.csv,some\n",
            "has the split 'some': expected train, val or test",
        ),
    ],
)
def test_mistakes_in_tables_are_one_sentence(name: str, text: str, sentence: str, tmp_path: Path) -> None:
    write_clips(tmp_path, 2)
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(GlassworkError, match=sentence) as caught:
        read(tmp_path, ReadingOptions(16))
    assert "\n" not in str(caught.value)


def test_one_label_alone_teaches_nothing(tmp_path: Path) -> None:
    write_clips(tmp_path, 1)
    with pytest.raises(GlassworkError, match=r"Every frame of .* has the label 'left'"):
        read(tmp_path, ReadingOptions(16))


def test_numbers_are_no_labels(tmp_path: Path) -> None:
    write_video(tmp_path / "long.mp4", np.zeros((1, 16, 16, 3), dtype=np.uint8))
    rows = "\n".join(map(str, range(200)))
    (tmp_path / "long.csv").write_text(f"place\n{rows}\n", encoding="utf-8")
    with pytest.raises(GlassworkError, match="200 different labels"):
        read(tmp_path, ReadingOptions(16))


def test_claims_nothing_without_tables(tmp_path: Path) -> None:
    write_video(tmp_path / "alone.mp4", np.zeros((1, 16, 16, 3), dtype=np.uint8))
    assert not clips.claims(tmp_path)
