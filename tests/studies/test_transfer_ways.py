"""The ways of transfer on grouped splits: nothing leaks, figures and intervals as worked out apart, one pass each."""

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from glasswork.data.splits import Splits
from glasswork.errors import GlassworkError
from glasswork.networks.convnet_small import ConvNetSmall
from glasswork.studies.intervals import estimate, share_estimate
from glasswork.studies.options import TransferOptions
from glasswork.studies.transfer import (
    FINE_TUNED,
    FROZEN,
    LOGISTIC,
    SCRATCH,
    SHARES,
    SVM,
    WAYS,
    TransferComparison,
    fit_classical,
    prepare,
)
from made_data import pictures, train, write_npz, write_table

SIDE = 12
QUICK = {
    "splits": 3,
    "network": "convnet-small",
    "size": SIDE,
    "epochs": 1,
    "scratch_epochs": 1,
    "scratch_size": 16,
    "threads": 1,
}


def made_ready(data: str | Path, **options: object) -> TransferComparison:
    return prepare(TransferOptions.parse({**options, "data": str(data)}))


@pytest.fixture
def weights(tmp_path: Path) -> str:
    """A convnet-small that nobody trained: random filters tell such pictures apart well enough."""
    torch.manual_seed(0)
    torch.save(ConvNetSmall((3, SIDE, SIDE), 5).state_dict(), tmp_path / "weights.pth")
    return str(tmp_path / "weights.pth")


def write_things(folder: Path, things: int = 6, views: int = 4, told_apart: bool = True) -> str:
    """Class folders of things with several views each, named after both.

    Args:
        folder: where they are written.
        things: in each of two classes.
        views: of each thing.
        told_apart: bars whose place is the class; else every thing is noise of its own, and its class says nothing.
    """
    draws = np.random.default_rng(0)
    images, labels = pictures(2 * things * views, classes=2, seed=3)
    by_class = [iter(images[labels == label]) for label in range(2)]
    for label, name in enumerate(("left", "middle")):
        (folder / name).mkdir(parents=True)
        for thing in range(things):
            noise = np.kron(draws.integers(0, 256, (3, 3)), np.ones((4, 4), dtype=int))
            for view in range(views):
                image = (
                    next(by_class[label]) if told_apart else np.clip(noise + draws.integers(-9, 9, noise.shape), 0, 255)
                )
                Image.fromarray(image.astype(np.uint8)).save(
                    folder / name / f"{name}{'abcdefghijklmn'[thing]}-{view}.png"
                )
    return str(folder)


def carried_out(comparison: TransferComparison) -> TransferComparison:
    for _ in comparison.steps():
        pass
    return comparison


@pytest.mark.parametrize("seed", range(4))
def test_no_thing_is_on_two_sides(seed: int, weights: str, tmp_path: Path) -> None:
    data = write_things(tmp_path / "things", things=7, views=3)
    comparison = made_ready(data, weights=weights, seed=seed, curve=True, **QUICK)
    assert comparison.groups is not None and len(comparison.groups.names) == 14
    names, targets = comparison.dataset[FROZEN].names, comparison.dataset[FROZEN].columns["targets"]
    things = np.array([Path(name).stem.partition("-")[0] for name in names])
    judged: list[int] = []
    for number in range(3):
        larger: set[int] = set()
        for share in (*SHARES, 1.0):
            found = comparison.division(number, share)
            parts = [set(things[rows.numpy()]) for rows in (found.training, found.validation, found.test)]
            assert sum(map(len, parts)) == len(set().union(*parts))
            assert set(targets[found.training].tolist()) == {0, 1}
            allowed = {*found.training.tolist(), *found.validation.tolist()}
            assert larger <= allowed
            larger = allowed
        assert larger | set(found.test.tolist()) == set(range(42))
        judged += found.test.tolist()
    assert sorted(judged) == list(range(42))


def test_known_things_do_not_help(weights: str, tmp_path: Path) -> None:
    """Every thing looks like itself and like nothing else: with its views on both sides it would be recognised."""
    data = write_things(tmp_path / "noise", things=12, views=5, told_apart=False)
    grouped = carried_out(made_ready(data, weights=weights, **QUICK)).result()
    leaking = carried_out(made_ready(data, weights=weights, rule=str, **QUICK)).result()
    accuracy = {way.name: way.accuracy.mean for way in grouped.ways}
    leaked = {way.name: way.accuracy.mean for way in leaking.ways}
    for way in (FROZEN, SVM, LOGISTIC):  # chance is a half
        assert leaked[way] > accuracy[way] + 0.2
        assert accuracy[way] < 0.6
    assert leaked[SVM] > 0.9


@pytest.fixture
def compared(weights: str, tmp_path: Path) -> TransferComparison:
    return carried_out(made_ready(write_things(tmp_path / "things"), weights=weights, curve=True, **QUICK))


def test_figures_and_intervals_are_those_worked_out_apart(compared: TransferComparison) -> None:
    found = compared.result()
    assert [way.name for way in found.ways] == list(WAYS)
    splits = {way.name: np.array(way.accuracy.splits) for way in found.ways}
    for way in found.ways:
        low, high = interval(splits[way.name])
        assert way.accuracy.mean == pytest.approx(splits[way.name].mean())
        assert (way.accuracy.low, way.accuracy.high) == pytest.approx((max(0, low), min(1, high)))
    pairs = {(one.first, one.second): one for one in found.differences}
    assert len(pairs) == len(found.differences) == 10
    for (first, second), one in pairs.items():
        apart = splits[first] - splits[second]
        np.testing.assert_allclose(one.accuracy.splits, apart)
        assert (one.accuracy.low, one.accuracy.high) == pytest.approx(interval(apart))
        assert one.clear == (one.accuracy.low > 0 or one.accuracy.high < 0)


def interval(values: np.ndarray) -> tuple[float, float]:
    """Nadeau and Bengio (2003) by scipy: a third of all pictures judges for two thirds that train."""
    spread = math.sqrt((1 / len(values) + 1 / 2) * values.var(ddof=1))
    if spread == 0:
        return values.mean(), values.mean()
    low, high = stats.t.interval(0.95, len(values) - 1, loc=values.mean(), scale=spread)
    return float(low), float(high)


def test_an_interval_by_hand() -> None:
    found = estimate([0.7, 0.8, 0.9], 0.5)  # variance 0.01; t of 2 degrees is 4.3027
    half = 4.3027 * math.sqrt((1 / 3 + 1 / 2) * 0.01)
    assert (found.mean, found.low, found.high) == pytest.approx((0.8, 0.8 - half, 0.8 + half), abs=1e-5)
    assert (share_estimate([0.7, 0.8, 0.9], 0.5).low, share_estimate([0.7, 0.8, 0.9], 0.5).high) == pytest.approx(
        (0.8 - half, 1.0), abs=1e-5
    )


def test_features_and_logistic_regression_are_scikit_learn_s(compared: TransferComparison) -> None:
    assert compared.features is not None
    inputs, labels = (compared.features.columns[name].numpy() for name in ("inputs", "targets"))
    for number, right in enumerate(compared.right[LOGISTIC, 1.0]):
        found = compared.division(number)
        both = torch.cat([found.training, found.validation]).numpy()
        scaler = StandardScaler().fit(inputs[both])
        possible = []
        for strength in (1e-4, 1e-3, 1e-2, 1e-1):
            made = LogisticRegression(C=strength, max_iter=1000).fit(scaler.transform(inputs[both]), labels[both])
            possible.append(made.score(scaler.transform(inputs[found.test.numpy()]), labels[found.test.numpy()]))
        assert right in possible


def test_the_code_of_the_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    root = Path(__file__).parents[2]
    Path("samples").symlink_to(root / "samples")
    train("convnet-small", data=write_npz(Path("source.npz"), "class"), epochs=1, out="runs/source")
    [block] = re.findall(r"```python\n(.*?)```", (root / "docs" / "transfer.md").read_text(encoding="utf-8"), re.S)
    capsys.readouterr()
    exec(block, {})
    assert 0 <= float(capsys.readouterr().out) <= 1


@pytest.mark.parametrize("kind", [SVM, LOGISTIC])
def test_a_classical_classifier_learns_from_its_rows_alone(kind: str) -> None:
    targets = torch.arange(90) % 3
    features = torch.eye(3)[targets] + 0.1 * torch.randn(90, 3, generator=torch.Generator().manual_seed(0))
    splits = Splits(torch.arange(40), torch.arange(40, 60), torch.arange(60, 90))
    assert fit_classical(kind, features, targets, splits) == 1.0
    turned = targets.clone()
    turned[60:] = (targets[60:] + 1) % 3
    assert fit_classical(kind, features, turned, splits) == 0.0
    assert fit_classical(kind, features, targets, Splits(torch.arange(60), torch.arange(0), splits.test)) == 1.0


def test_the_curve_has_a_point_for_each_way_and_amount(compared: TransferComparison) -> None:
    found = compared.result()
    ways = (SCRATCH, FROZEN, FINE_TUNED, f"{FINE_TUNED}-2", f"{FINE_TUNED}-all")
    assert [point.way for point in found.curve] == [way for way in ways for _ in range(5)]
    for way in ways:
        own = [point for point in found.curve if point.way == way]
        # Of six things in a class four train: at least one of them with any share, and each of four views.
        assert [point.examples for point in own] == [8, 8, 8, 16, 32]
        assert way not in WAYS or own[-1].accuracy == next(one.accuracy for one in found.ways if one.name == way)
        assert all(0 <= point.accuracy.low <= point.accuracy.mean <= point.accuracy.high <= 1 for point in own)


@contextmanager
def rows_through_backbones() -> Iterator[list[int]]:
    """How many pictures of the trained network's side go through any convnet-small."""
    rows: list[int] = []

    def count(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        if isinstance(module, ConvNetSmall) and inputs[0].shape[-1] == SIDE and inputs[0].any():
            rows.append(len(inputs[0]))

    hook = torch.nn.modules.module.register_module_forward_pre_hook(count)
    yield rows
    hook.remove()


@pytest.mark.parametrize("kept", [True, False])
def test_each_picture_s_features_are_computed_once_for_all_splits(
    kept: bool, weights: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    if not kept:
        cache.write_text("a file, so that nothing can be kept", encoding="utf-8")
    monkeypatch.setenv("GLASSWORK_CACHE", str(cache))
    comparison = made_ready(write_things(tmp_path / "things"), weights=weights, **QUICK)
    passes: dict[str, int] = {}
    with rows_through_backbones() as rows:
        before, words = 0, "start"
        for step in comparison.steps():
            passes[words] = passes.get(words, 0) + sum(rows) - before
            before, words = sum(rows), step.words.rpartition(": ")[2]
    assert passes["features of all pictures"] == 48
    assert [passes[way] for way in (FROZEN, SVM, LOGISTIC, SCRATCH)] == [0, 0, 0, 0]
    assert passes[FINE_TUNED] > 0


def test_the_same_comparison_twice(weights: str, tmp_path: Path) -> None:
    data = write_things(tmp_path / "things")
    first, second = (carried_out(made_ready(data, weights=weights, **QUICK)) for _ in range(2))
    assert first.right == second.right


def test_what_a_reader_has_to_know_is_told(weights: str, tmp_path: Path) -> None:
    npz = made_ready(write_npz(tmp_path / "data.npz", "class"), weights=weights, **QUICK)
    assert any("it is not known which images show the same thing" in remark for remark in npz.remarks)
    folder = Path(write_things(tmp_path / "things" / "train"))
    write_things(tmp_path / "things" / "test", things=3)
    pooled = made_ready(folder.parent, weights=weights, **QUICK)
    assert any("pooled and split again" in remark for remark in pooled.remarks)
    for place, picture in enumerate(sorted((folder / "left").iterdir())):
        picture.rename(folder / "left" / f"{place}.png")
    numbered = made_ready(folder, weights=weights, **QUICK)
    assert not any("numbered images" in remark for remark in numbered.remarks)
    copied = Image.open(folder / "left" / "0.png")
    for name in ("x", "y", "z"):
        copied.save(folder / "left" / f"{name}.png")
    assert any("an exact copy" in remark for remark in made_ready(folder, weights=weights, **QUICK).remarks)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"splits": 2}, "splits has to be at least 3 for an interval, not 2"),
        ({"splits": 30}, "Class 'left' has 24 pictures, and each of 30 splits needs one to judge"),
        ({"threads": 0}, "threads has to be at least 1, not 0"),
        ({"weights": "nowhere"}, "There are no weights called 'nowhere'"),
        ({"network": "lenet"}, "Transfer has no network 'lenet'"),
        ({"scratch": "lenet"}, "Transfer has no network 'lenet'"),
        ({"scratch_size": 4}, "at least 8 by 8"),
        ({"epochs": 0}, "epochs = 0 does not fit"),
        ({"size": -1}, "size = -1 does not fit"),
    ],
)
def test_mistakes_are_told_before_the_work(
    options: dict[str, object], sentence: str, weights: str, tmp_path: Path
) -> None:
    with pytest.raises(GlassworkError, match=sentence):
        made_ready(write_things(tmp_path / "things"), **{**QUICK, "weights": weights, **options})


@pytest.mark.parametrize("target", ["classes", "number"])
def test_pictures_of_one_class_each_are_compared(target: str, weights: str, tmp_path: Path) -> None:
    with pytest.raises(GlassworkError, match="images with one class each"):
        made_ready(write_npz(tmp_path / "data.npz", target), weights=weights, **QUICK)
    with pytest.raises(GlassworkError, match=r"images with one class each|rows of numbers"):
        made_ready(write_table(tmp_path / "table.csv", "class"), weights=weights, **QUICK)
