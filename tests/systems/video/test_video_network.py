"""The network of clips: what it sees of the frames before, and that long clips may be watched piece by piece."""

import pytest
import torch

from closeness import assert_same_numbers
from glasswork.data import ragged
from glasswork.data.dataset import Dataset, fingerprints
from glasswork.data.kinds.clips import Clips
from glasswork.data.kinds.per_step import PerStep
from glasswork.data.kinds.task import Task
from glasswork.data.splits import split
from glasswork.execution import Execution
from glasswork.run.in_memory import fit_in_memory
from glasswork.run.request import make_request
from glasswork.systems.video import report as video_measured
from glasswork.systems.video.network import VideoNetwork
from glasswork.systems.video.report import watch


def network(cell: str) -> VideoNetwork:
    torch.manual_seed(0)
    return VideoNetwork(cell, (1, 20, 24), 3, embedding=7, hidden_size=5, layers=2).eval()


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm", "none"])
def test_a_clip_in_pieces_is_the_clip(cell: str) -> None:
    frames, net = torch.rand(2, 9, 1, 20, 24), network(cell)
    whole = net(frames)
    assert whole.shape == (2, 3, 9)
    first, state = net.read(frames[:, :4], None)
    rest, _ = net.read(frames[:, 4:], state)
    assert_same_numbers(torch.cat([first, rest], 2), whole)


@pytest.mark.parametrize(("cell", "known"), [("gru", True), ("none", False)])
def test_only_recurrence_knows_of_the_frames_before(cell: str, known: bool) -> None:
    frames, net = torch.rand(1, 5, 1, 20, 24), network(cell)
    other = frames.clone()
    other[:, 1] = 1 - other[:, 1]
    change = (net(frames) - net(other)).abs().amax((0, 1))
    assert change[0] == 0 and change[1] > 0
    assert bool((change[2:] > 0).all()) == known


def spots() -> Dataset:
    """A spot that goes left or right through 10 frames, from wherever it is."""
    clips, labels = [], []
    for clip in range(12):
        way = 1 if clip % 2 else -1
        picture = torch.zeros(10, 1, 16, 16, dtype=torch.uint8)
        picture[range(10), 0, 8, [(clip + way * time) % 16 for time in range(10)]] = 255
        clips.append(picture)
        labels += [clip % 2] * 10
    inputs, offsets = ragged.pack(clips)
    prints = torch.stack([fingerprints(clip.flatten()[None])[0] for clip in clips])
    task = Task(Clips((1, 16, 16)), PerStep(("left", "right")))
    columns = {"inputs": inputs, "targets": torch.tensor(labels), "fingerprints": prints}
    names = [f"clip {clip}" for clip in range(12)]
    return Dataset(columns, task, "spots", names, offsets={"inputs": offsets, "targets": offsets})


def test_the_way_a_spot_goes_takes_recurrence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video_measured, "AT_ONCE", 4)
    accuracy = {}
    for cell in ("gru", "none"):
        request = make_request(
            "video",
            {"cell": cell, "epochs": 60, "learning_rate": 0.01, "batch_size": 4, "test": 0.25, "hidden_size": 16},
        )
        examples = spots()
        splits = split(examples, 0.0, 0.25, 0)
        fitted = fit_in_memory(request, examples, splits)
        scores = watch(fitted.network, fitted.dataset, splits.training, Execution())
        assert [len(each) for each in scores] == [10] * 9
        accuracy[cell] = fitted.system.evaluate(
            fitted.network, fitted.dataset, splits.training, Execution()
        ).metrics.values["accuracy"]
    assert accuracy["gru"] > 0.85 > accuracy["none"]
