"""Every preset with every single field of its recipe: one field given beside a preset's own defaults is no mistake."""

import math
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import numpy as np
import pytest

import glasswork as gw
from glasswork.catalogue import PRESETS, SYSTEMS, make_system
from glasswork.errors import GlassworkError
from glasswork.own_code import name_network
from glasswork.recipe.search import Choices, Layers, Range
from glasswork.run.carry_out import begin_run
from glasswork.run.request import make_request
from glasswork.systems.caption.system import write_captions
from glasswork.systems.rcnn.system import write_boxes
from glasswork.systems.style.fast.system import write_photos
from glasswork.systems.supervised.recipe import DEEP
from made_data import PLAIN, write_clips, write_network, write_sentences, write_table, write_text, write_texts
from required import WITH_DATA

SIDE, CLASSES = 28, 10
DETECTION = ["rcnn", "fast-rcnn"]
SLOW = [*DEEP, "transfer", "caption", "fast-style", *DETECTION]  # these bring pictures to 224 pixels
LIGHT = [
    "resnet18",
    "transfer",
    "caption",
    "fast-style",
    *DETECTION,
]  # the deep ones share a recipe but for their network, and this one is small
QUICK = [preset for preset in WITH_DATA if preset not in SLOW]

VALUES: dict[str, tuple[object, ...]] = {
    "seed": (7,),
    "epochs": (2,),
    "budget": ("10s",),
    "batch_size": (16,),
    "momentum": (0.8,),
    "weight_decay": (0.01,),
    "strength": (0.001,),
    "gradient_clip": (0.5,),
    "validation": (0.0, 0.3),
    "test": (0.0, 0.3),
    "patience": (2,),
    "size": (32,),
    "encoding": ("utf-8",),
    "pixel_range": ((0.0, 200.0),),
    "restarts": (2,),
    "layers": (2,),
    "bptt_length": (20,),
    "quantiles": (9,),
    "ensemble_size": (2,),
    "samples": (2,),
    "vocabulary": (40,),
    "min_count": (1,),
    "max_length": (3,),
    "prompt": ("he",),
    "horizon": (3,),
    "season": (7,),
    "window": (14,),
    "stride": (2,),
    "time": ("date",),
    "series": ("name",),
    "text": ("review",),
    "column": ("colour=category",),
    "missing": ("-999",),
    "target": ("target",),
    "expression": ("x**2",),
    "low": (-1.0,),
    "high": (1.0,),
    "noise": (0.1,),
    "tolerance": (0.2,),
    "level": (1,),
    "patches": (50,),
    "classes_per_batch": (4,),
    "examples_per_class": (3,),
    "embedding": (8,),
    "held_out_classes": ("0.3", "3,4", "0"),
    "augment": ("flip,crop:2",),
    "source": ("en",),
    "scheduled_sampling": (0.5,),
    "beam": (2,),
    "length_penalty": (1.0,),
    "coverage_penalty": (0.2,),
    "filters": (4,),
    "time_masks": (1,),
    "band_masks": (0,),
    "language_order": (0, 3),
    "language_model": (__file__,),
    "style": ("china",),
    "style_size": (64,),
    "width": (4,),
    "blocks": (1,),
    "content_weight": (0.5,),
    "style_weight": (2.0,),
    "variation_weight": (0.0,),
    "content_layers": ("block2",),
    "style_layers": ("stem,block2",),
    "segment_size": (50,),
    "context": (0.1,),
    "regions": (8,),
    "negatives": (10,),
    "baselines": (True, False),
}
"""Values of the fields whose type names none; of the others they are taken from the type or the range of a search."""

OF_PRESET: dict[tuple[str, str], tuple[object, ...]] = {
    ("video", "target"): ("direction",),
    ("speech", "target"): ("text",),
    ("forecast", "target"): ("demand",),
    ("translate", "target"): ("es",),
    ("translate", "max_length"): (14,),
    **{
        (preset, "network"): ("dense", "lenet", "convnet-small")
        for preset in ("linear", "mlp", "lenet", "convnet-small")
    },
    **{(preset, "network"): ("resnet34",) for preset in DEEP},
    ("points", "network"): ("linear",),
    ("own", "network"): ("lenet",),
    ("function", "target"): ("y",),
    ("forecast", "column"): ("demand=number",),
    ("sentiment", "column"): ("target=category",),
    ("heatmap", "network"): ("convnet-small", "lenet"),
    ("embed", "network"): ("lenet",),
    ("transfer", "network"): ("efficientnet-lite0",),
    # Of most networks the weights would be downloaded; tests/systems/supervised has a file of them.
    **{(preset, "weights"): () for preset in WITH_DATA if PRESETS[preset].system == "supervised"},
    ("efficientnet-lite0", "weights"): ("efficientnet-lite0",),
    ("transfer", "weights"): ("efficientnet-lite0",),
    ("fast-style", "weights"): ("efficientnet-lite0",),
    ("fast-style", "network"): (),
    ("transfer", "unfreeze"): (2, "all"),
    **{(preset, "size"): (64,) for preset in SLOW},
    **{(preset, "budget"): ("90s",) for preset in SLOW},
    ("speech", "budget"): ("20s",),
    ("function", "hidden"): ("3,3",),
    ("caption", "network"): ("efficientnet-lite0",),
    **{(preset, name): ("efficientnet-lite0",) for preset in DETECTION for name in ("network", "weights")},
    ("caption", "weights"): ("efficientnet-lite0",),
    ("caption", "scheduled_sampling"): (0.5,),
    ("caption", "beam"): (3,),
    ("caption", "length_penalty"): (0.6,),
    ("caption", "coverage_penalty"): (0.2,),
}
"""Values that depend on the preset."""


@dataclass(frozen=True)
class Inapplicable:
    """A field that cannot apply beside a preset's defaults.

    Attributes:
        presets: where.
        fields: which.
        values: which of them; empty: all.
        phrase: what the sentence says.
    """

    presets: Sequence[str]
    fields: Sequence[str]
    values: Sequence[object]
    phrase: str

    def holds(self, preset: str, name: str, value: object) -> bool:
        return preset in self.presets and name in self.fields and (not self.values or value in self.values)


TABLES = ("linear", "mlp", "own", "points", "xor", "forecast", "sentiment")
ONLINE = ("batch_size", "momentum", "weight_decay", "strength", "gradient_clip")
CANNOT_APPLY = (
    # The slide's algorithm has none of these; its optimizer, schedule, penalty and loss have one value left.
    Inapplicable(["xor"], ONLINE, [], "the online rule .*: leave it out, or use glasswork train mlp"),
    # The four examples of XOR leave none to be held out.
    Inapplicable(["xor"], ["patience"], [], "needs a validation loss, and no examples are held out"),
    # No error flows through a step.
    Inapplicable(
        ["mlp", "lenet", "convnet-small", "points", "function", "heatmap"],
        ["activation"],
        ["threshold"],
        "threshold has no gradient",
    ),
    # Maxout halves the maps, and these networks add or slide over as many as they had.
    Inapplicable(["heatmap", "convnet-small"], ["activation"], ["maxout"], "maxout"),
    # The values of a function are numbers.
    Inapplicable(
        ["function"], ["loss"], ["cross-entropy", "hinge", "binary-cross-entropy"], "targets that are numbers"
    ),
    # Only tables have columns, and whole numbers of pictures are no labels.
    Inapplicable(
        [preset for preset in WITH_DATA if preset not in TABLES],
        ["column", "missing"],
        [],
        "is not a table|is read without regard to its columns",
    ),
    Inapplicable(
        [preset for preset in WITH_DATA if preset != "sentiment"],
        ["target_kind"],
        ["labels"],
        "as labels are|target_kind = labels does not apply",
    ),
    # Some systems answer one kind of target.
    Inapplicable(
        ["forecast", "char-rnn", "function", "xor", "speech", "translate", "caption", *DETECTION],
        ["target_kind"],
        ["class"],
        "target_kind = class does not apply",
    ),
    Inapplicable(
        ["char-rnn", "video", "tagger", "points", "speech", "translate", "caption", *DETECTION],
        ["target_kind"],
        ["number"],
        "target_kind = number does not apply",
    ),
    Inapplicable(["embed"], ["target_kind"], ["number"], "class"),
    Inapplicable(["fast-style"], ["target_kind"], [], "target_kind = (class|number) does not apply"),
    # Names of classes are no numbers.
    Inapplicable(["sentiment"], ["target_kind"], ["number"], "is to be numbers"),
    # Points of the plane are no pictures.
    Inapplicable(["points"], ["augment"], [], "Augment works on images"),
)
"""What a preset refuses in a sentence, because it plainly cannot apply; each with the reason."""


def values(preset: str, name: str) -> tuple[object, ...]:
    """Typical values of a field, other than what the preset has."""
    system = PRESETS[preset].system
    field, default = SYSTEMS[system].recipe.model_fields[name], getattr(make_request(preset, {}).recipe, name)
    kinds = [field.annotation, *get_args(field.annotation)]
    if (preset, name) in OF_PRESET:
        found = OF_PRESET[preset, name]
    elif choices := next((get_args(kind) for kind in kinds if get_origin(kind) is Literal), ()):
        found = choices
    elif search := next((one for one in field.metadata if isinstance(one, Range | Choices | Layers)), None):
        found = _in(search)
    elif field.annotation is bool:
        found = (not default,)
    else:
        found = VALUES[name]
    return tuple(value for value in found if value != default)


def _in(search: Range | Choices | Layers) -> tuple[object, ...]:
    if isinstance(search, Choices):
        return search.values[:1]
    if isinstance(search, Layers):
        return (search.low,)
    middle = math.sqrt(search.low * search.high) if search.log else (search.low + search.high) / 2
    return (round(middle) if search.whole else float(f"{middle:.2g}"),)


def cases(presets: Iterable[str], most: int | None = None) -> list[tuple[str, str, object]]:
    """Preset, field and value; at most so many values of each field."""
    return [
        (preset, name, value)
        for preset in presets
        for name in SYSTEMS[PRESETS[preset].system].recipe.model_fields
        if name != "data"
        for value in values(preset, name)[:most]
    ]


def write_images(path: Path, count: int) -> Path:
    """Noisy images with a bright bar whose place is the class; enough classes to hold some out."""
    draws = np.random.default_rng(0)
    labels = np.arange(count) % CLASSES
    images = draws.integers(0, 120, (count, SIDE, SIDE), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[:, 2 * label : 2 * label + 5] += 90
    np.savez(path, x=images, y=labels)
    return path


def write_speech(folder: Path) -> Path:
    """Recordings of tones, with transcripts."""
    folder.mkdir()
    asked = make_request("speech", {})
    return Path(make_system(asked.system, asked.recipe).sample(folder).data)


def write_series(path: Path, names: Sequence[str]) -> Path:
    """Daily values with a weekly season; several series one below the other."""
    draws = np.random.default_rng(0)
    dates = np.datetime64("2024-01-01") + np.arange(240)
    lines = ["date,demand", *(["name"] if len(names) > 1 else [])]
    rows = [",".join(lines)]
    for name in names:
        demand = 50 + 8 * np.sin(2 * np.pi * np.arange(240) / 7) + draws.normal(size=240)
        column = f",{name}" if len(names) > 1 else ""
        rows += [f"{day},{value:.3f}{column}" for day, value in zip(dates, demand, strict=True)]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def write_pairs(path: Path) -> Path:
    """Phrases with their Spanish."""
    numbers, things = {"one": "un", "some": "algún", "no": "ningún"}, {"dog": "perro", "cat": "gato", "boat": "barco"}
    colours = {"old": "viejo", "red": "rojo", "small": "pequeño", "white": "blanco"}
    lines = [
        f"{number} {colour} {thing}\t{said} {name} {how}"
        for number, said in numbers.items()
        for thing, name in things.items()
        for colour, how in colours.items()
    ]
    path.write_text("\n".join(["en\tes", *lines]) + "\n", encoding="utf-8")
    return path


DATA: dict[str, Callable[[Path], Path]] = {
    "images": lambda folder: write_images(folder / "images.npz", 100),
    "few images": lambda folder: write_images(folder / "few.npz", 30),
    "table": lambda folder: write_table(folder / "table.csv", "class"),
    "text": lambda folder: write_text(folder / "text.txt"),
    "series": lambda folder: write_series(folder / "series.csv", ["north"]),
    "two series": lambda folder: write_series(folder / "two.csv", ["north", "south"]),
    "texts": lambda folder: write_texts(folder / "texts.csv", "class"),
    "sentences": lambda folder: write_sentences(folder / "sentences.conll"),
    "pairs": lambda folder: write_pairs(folder / "pairs.tsv"),
    "clips": lambda folder: write_clips(folder / "clips"),
    "speech": lambda folder: write_speech(folder / "speech"),
    "photos": lambda folder: write_photos(folder / "photos"),
    "boxes": lambda folder: write_boxes(folder / "boxes", 24).parents[1],
    "captions": lambda folder: write_captions(folder / "captions", 30).parent,
}
BY_SYSTEM = {
    "characters": "text",
    "forecast": "series",
    "sentiment": "texts",
    "tagger": "sentences",
    "translate": "pairs",
    "video": "clips",
    "speech": "speech",
    "transfer": "few images",
    "caption": "captions",
    "style.fast": "photos",
    "rcnn": "boxes",
}
OF_FIELD = {
    ("forecast", "series"): "two series",
    **{(preset, "target"): "table" for preset in ("linear", "mlp", "own", "points", "xor")},
    **{(preset, name): "table" for preset in TABLES[:5] for name in ("column", "missing")},
}
LITTLE = ("points", "function", "xor")
"""Presets whose own data is little already."""


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Made data by its key in `DATA`, written once."""
    folder, found = tmp_path_factory.mktemp("fields"), dict[str, Path]()

    def path(key: str) -> Path:
        if key not in found:
            found[key] = DATA[key](folder)
        return found[key]

    return path


def options(preset: str, name: str, value: object, made: Callable[[str], Path]) -> dict[str, Any]:
    """The field, and what has to be said or is said to save time: little data, one epoch, the network of `own`."""
    found: dict[str, Any] = {**PLAIN, name: value}
    key = OF_FIELD.get((preset, name)) or BY_SYSTEM.get(PRESETS[preset].system)
    if key or preset not in LITTLE:
        found["data"] = str(made(key or ("few images" if preset in DEEP else "images")))
    if name not in {"epochs", "budget"}:
        found["epochs"] = 1
    if preset == "own" and name != "network":
        found["network"] = write_network(Path.cwd())
        name_network(found["network"])
    return found


def refused(preset: str, name: str, value: object) -> Any:
    """Expects the sentence of a field that cannot apply, and no other mistake."""
    phrase = next((one.phrase for one in CANNOT_APPLY if one.holds(preset, name, value)), None)
    return nullcontext() if phrase is None else pytest.raises(GlassworkError, match=phrase)


@pytest.mark.parametrize(("preset", "name", "value"), cases(QUICK, most=1))
def test_one_field_is_no_mistake(preset: str, name: str, value: object, made: Callable[[str], Path]) -> None:
    with refused(preset, name, value):
        begin_run(make_request(preset, options(preset, name, value, made))).folder.unlock()


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("preset", "name", "value"), cases(LIGHT, most=1))
def test_one_field_of_a_deep_network_is_no_mistake(
    preset: str, name: str, value: object, made: Callable[[str], Path]
) -> None:
    with refused(preset, name, value):
        begin_run(make_request(preset, options(preset, name, value, made))).folder.unlock()


@pytest.mark.slow
@pytest.mark.parametrize(("preset", "name", "value"), cases(QUICK))
def test_a_run_with_one_field_comes_to_its_end(
    preset: str, name: str, value: object, made: Callable[[str], Path]
) -> None:
    with refused(preset, name, value):
        assert gw.train(preset, **options(preset, name, value, made)).evaluate()


@pytest.mark.parametrize("exception", range(len(CANNOT_APPLY)))
def test_every_exception_is_met(exception: int) -> None:
    assert any(CANNOT_APPLY[exception].holds(*case) for case in cases(WITH_DATA))
