"""The scenes: command lines on small made data, in order, each scene in a folder of its own.

A line is the words after `glasswork`. A line that begins with `! ` is one of many whose exit code and sentence matter,
and is recorded under its own words.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.golden import data
from tests.golden.formats import ENDINGS
from tests.golden.refusals import REFUSALS
from tests.golden.scene import PLAIN, Scene, Stopped
from tests.golden.verbs import VERBS

SHORT = "--epochs 2 --batch-size 8"
PAIRS = "--epochs 5 --batch-size 2"


@dataclass(frozen=True)
class Job:
    """How a preset is trained on small data, and what its model is asked then.

    Attributes:
        prepare: writes the data into the folder one is in.
        data: its name there.
        flags: what the preset cannot be trained without, or would take long without.
        asked: what it is asked about.
        opened: the one input it is opened on; empty: it is not opened.
        target: what it should have answered; empty: what it answers.
        stop: the step after which a second run is stopped and gone on with; 0: none is.
        export: whether it is written as ONNX too.
        short: epochs and batch size.
        large: the network has so many weights that it is trained and asked once, and no more.
        fifty: epochs and batch size with which at least fifty steps are made.
    """

    prepare: Callable[[], object]
    data: str
    flags: str = ""
    asked: str = ""
    opened: str = ""
    target: str = ""
    stop: int = 4
    export: bool = True
    short: str = SHORT
    large: bool = False
    fifty: str = "--epochs 9 --batch-size 8"

    def losses(self, preset: str) -> Scene:
        """Fifty steps."""
        run = f"{preset} --data {self.data} {self.flags} {self.fifty} {PLAIN}"
        return Scene(f"losses-{preset}", self.prepare, (f"train {run} --out run --json",))

    def scene(self, name: str, preset: str) -> Scene:
        run = f"{preset} --data {self.data} {self.flags} {self.short} {PLAIN}"
        asked, opened = self.asked or self.data, self.opened or self.asked or self.data
        target = f"--target {self.target}" if self.target else ""
        if self.large:
            return Scene(
                name, self.prepare, (f"train {run} --out run --json", f"predict run {asked} --device cpu --csv a.csv")
            )
        lines: list[Any] = [
            f"train {run} --out run --json",
            "evaluate run --device cpu --json",
            f"evaluate run --device cpu --data {self.data} --json",
            f"predict run {asked} --device cpu --json",
            f"predict run {asked} --device cpu --csv answers.csv",
            f"predict run {asked} --device cpu",
            f"open run {opened} {target} --device cpu --json",
            f"open run {opened} {target} --device cpu",
            "diagnose run --device cpu --json",
            "count run --json",
        ]
        if self.export:
            lines.append("export run --to onnx --json")
        lines.append("export run --to state-dict --json")
        if self.stop:
            lines += [Stopped(run, self.stop), "resume stopped --json"]
        return Scene(name, self.prepare, tuple(lines))


def images(target: str = "class", flags: str = "", **more: Any) -> Job:
    opened = {"class": "2", "classes": "y1", "number": "1.5"}[target]
    return Job(lambda: data.images(target), "data.npz", flags, "one.png", target=opened, **more)


def rows(target: str = "class", flags: str = "", **more: Any) -> Job:
    opened = {"class": "middle", "classes": "b", "number": "1.5"}[target]
    return Job(lambda: data.rows(target), "data.csv", flags, target=opened, **more)


def texts(target: str = "class", flags: str = "", **more: Any) -> Job:
    small = f"--hidden-size 4 --embedding 5 --layers 2 {flags}"
    opened = {"class": "middle", "classes": "good", "number": "1.5"}[target]
    asked = "data.csv 'some words nobody knows'"
    return Job(lambda: data.texts(target), "data.csv", small, asked, "data.csv", opened, **more)


def deep(flags: str = "--size 64 --learning-rate 0.0001", **more: Any) -> Job:
    """Two steps, small ones: random networks so deep make much of every rounding."""
    fifty = "--epochs 9 --batch-size 4"
    job = {"short": "--epochs 1 --batch-size 16", "stop": 0, "export": False, "fifty": fifty, **more}
    return Job(data.few_images, "data.npz", flags, "one.png", **job)


CHARACTERS = "--hidden-size 8 --bptt-length 20 --dropout 0.1 --test 0.1 --validation 0.1"
FORECAST = "--target demand --horizon 3 --window 8 --hidden-size 4 --ensemble-size 2 --quantiles 5"
CLIPS = "--hidden-size 4 --embedding 5 --bptt-length 4 --size 16 --test 0.2"
TAGGER = "--hidden-size 4 --embedding 3 --layers 2 --test 0.2"

TRANSLATE = "--pieces word --min-count 1 --hidden-size 4 --embedding 5 --layers 2 --beam 2"
SPEECH = "--hidden-size 4 --layers 2 --filters 2 --bands 16 --beam 2 --test 0.25"
CAPTION = (
    "--network convnet-small --mode scratch --size 16 --hidden-size 8 --embedding 4 --beam 2 --max-length 8 "
    "--min-count 1 --length-penalty 0.6"
)

DETECTION = "--network convnet-small --mode scratch --region-size 16 --proposals 20 --negatives 6 --regions 8"
BOXES = "boxes", DETECTION, "boxes/JPEGImages/00.png", "boxes/JPEGImages/00.png", ""

FAST_STYLE = "--size 32 --style-size 48 --width 4 --blocks 1 --style-layers stem,block2"


def sample(preset: str, path: str, flags: str, asked: str, opened: str, target: str, **more: Any) -> Job:
    """On what the system's own contract trains on."""
    return Job(lambda: data.sample(preset), path, flags, asked, opened, target, **more)


JOBS: dict[str, Job] = {
    "linear": images(),
    "mlp": rows(),
    "own": images(flags="--network small.py:Small"),
    "lenet": images(),
    "convnet-small": images(fifty="--epochs 9 --batch-size 8 --learning-rate 0.001"),  # calm enough to compare
    "alexnet": deep("--size 64 --optimizer sgd", large=True, fifty=PAIRS),
    "vgg11": deep("--size 64 --optimizer sgd", large=True, fifty=PAIRS),
    **{
        f"vgg{depth}": deep("--size 64 --optimizer sgd --validation 0", large=True, fifty=PAIRS)
        for depth in (13, 16, 19)
    },
    "resnet18": deep(),
    **{f"resnet{depth}": deep(large=True) for depth in (34, 50)},
    "efficientnet-lite0": deep(),
    "transfer": images(flags="--size 64"),
    "points": Job(
        data.nothing, "moons", "--validation 0.1", "plane.csv", short="--epochs 2", stop=3, fifty="--epochs 10"
    ),
    "function": Job(
        data.nothing, "expression", "--validation 0.1", "line.csv", short="--epochs 2", stop=3, fifty="--epochs 50"
    ),
    "heatmap": images(),
    "embed": images(flags="--held-out-classes 0 --embedding 8 --network lenet", fifty="--epochs 10 --batch-size 8"),
    "char-rnn": Job(data.text, "data.txt", CHARACTERS, stop=9, fifty="--epochs 4 --batch-size 8"),
    "forecast": Job(
        *(data.series, "data.csv", FORECAST),
        short="--epochs 2 --batch-size 14",
        fifty="--epochs 10 --batch-size 14",
    ),
    "sentiment": texts(fifty="--epochs 9 --batch-size 8 --patience 50"),
    "tagger": Job(data.sentences, "data.conll", TAGGER, "data.conll 'nobody knows these'", "'the tea'"),
    "video": Job(
        data.clips, "clips", CLIPS, "clips/clip0 clips/clip1", "clips/clip0", fifty="--epochs 17 --batch-size 8"
    ),
    "translate": sample("translate", "pairs.csv", TRANSLATE, "pairs.csv", "'one black tea'", "'dos tés negros'"),
    "speech": sample(
        "speech", ".", SPEECH, "sounds/0.wav sounds/1.wav", "sounds/0.wav", "ab", fifty="--epochs 13 --batch-size 8"
    ),
    "caption": sample(
        "caption",
        "captions",
        CAPTION,
        "captions/00.png",
        "captions/00.png",
        "'a bar above'",
        fifty="--epochs 17 --batch-size 8",
    ),
    "rcnn": sample("rcnn", *BOXES, fifty="--epochs 25 --batch-size 8 --learning-rate 0.001"),
    "fast-rcnn": sample("fast-rcnn", *BOXES, fifty="--epochs 25 --batch-size 8 --learning-rate 0.001"),
    "fast-style": sample(
        *("fast-style", "photos", FAST_STYLE, "'photos/photo 3.png'", "'photos/photo 3.png'", ""),
        fifty="--epochs 25 --batch-size 4",
    ),
    "xor": rows(flags="--test 0.2 --validation 0.1", short="--epochs 9", fifty="--epochs 50"),
}

FURTHER: dict[str, tuple[str, Job]] = {
    "linear-rows": ("linear", rows(export=False)),
    "linear-number": ("linear", rows("number", export=False)),
    "mlp-images": ("mlp", images(export=False)),
    "mlp-classes": ("mlp", rows("classes")),
    "mlp-number": ("mlp", rows("number")),
    "own-rows-number": ("own", rows("number", "--network small.py:Small", export=False)),
    "lenet-classes": ("lenet", images("classes", export=False)),
    "lenet-number": ("lenet", images("number", export=False)),
    "convnet-small-folder": ("convnet-small", Job(data.folder, "pictures", "", "pictures/left", export=False)),
    "transfer-fine-tuned": ("transfer", images("classes", "--size 64 --mode fine-tuned", export=False)),
    "transfer-scratch": (
        "transfer",
        images(flags="--network convnet-small --mode scratch --size 16 --learning-rate 0.001", export=False),
    ),
    "heatmap-number": ("heatmap", images("number", export=False)),
    "heatmap-slides": (
        "heatmap",
        Job(data.slides, "slides", "--size 16 --patches 80", "patch.png", short="--epochs 2 --batch-size 16"),
    ),
    "embed-shared": (
        "embed",
        Job(data.bars, "data.npz", "--held-out-classes 0.3 --embedding 8 --network lenet", "one.png"),
    ),
    "char-rnn-lstm": ("char-rnn", Job(data.text, "data.txt", f"--cell lstm {CHARACTERS}", stop=9, export=False)),
    "char-rnn-relu-rnn": ("char-rnn", Job(data.text, "data.txt", f"--cell relu-rnn {CHARACTERS}", export=False)),
    "forecast-lstm": ("forecast", Job(data.series, "data.csv", f"--cell lstm {FORECAST}", export=False)),
    "forecast-shops": ("forecast", Job(data.shops, "data.csv", f"--series shop {FORECAST}", export=False)),
    "sentiment-classes": ("sentiment", texts("classes", export=False)),
    "sentiment-number": ("sentiment", texts("number", "--cell gru", export=False)),
    "sentiment-bpe": ("sentiment", texts(flags="--pieces bpe --no-counted --cell rnn", export=False)),
    "tagger-none": ("tagger", Job(data.sentences, "data.conll", f"--cell none {TAGGER}", opened="'the tea'")),
    "video-none": ("video", Job(data.clips, "clips", f"--cell none {CLIPS}", "clips/clip0", export=False)),
    "xor-number": (
        "xor",
        Job(data.chances, "data.csv", "--test 0.2 --validation 0.1", short="--epochs 9", export=False),
    ),
    "xor-alone": ("xor", Job(data.nothing, "xor", "", "pairs.csv", short="--epochs 30", export=False)),
    "mlp-restarts": ("mlp", rows(flags="--restarts 3 --hidden 6", export=False)),
    "own-restarts": ("own", images(flags="--restarts 2 --network small.py:Small", export=False)),
}

SETTINGS = {
    "sgd": "--optimizer sgd --schedule constant",
    "momentum": "--optimizer momentum --schedule cosine",
    "adam": "--optimizer adam --schedule step",
    "adamw": "--optimizer adamw --weight-decay 0.1",
    "l1": "--penalty l1 --strength 0.001",
    "l2": "--penalty l2 --strength 0.001",
    "max-norm": "--penalty max-norm --strength 1",
    "clip": "--gradient-clip 0.5",
    "class-weights": "--class-weights balanced",
    "smoothing": "--label-smoothing 0.1",
    "hinge": "--loss hinge",
    "dropout": "--dropout 0.3 --seed 3",
    "augmented": "--augment flip,crop:1,rotation:10,elastic:1",
    "plain": "--augment none",
    "no-validation": "--validation 0",
    "no-test": "--test 0",
    "early": "--epochs 12 --patience 2 --schedule constant --learning-rate 0.02",
    "channels-last": "--memory-format channels-last",
    "bfloat16": "--precision bfloat16",
}


def setting(name: str) -> Scene:
    """LeNet under one setting, stopped half-way and gone on with."""
    words = f"lenet --data data.npz {SHORT} {PLAIN} {SETTINGS[name]}"  # of two equal flags the last one counts
    lines = (f"train {words} --out run --json", "evaluate run --device cpu --json", Stopped(words, 7), "resume stopped")
    return Scene(f"setting-{name}", data.images, lines)


SCENES: tuple[Scene, ...] = (
    *(job.scene(f"preset-{name}", name) for name, job in JOBS.items()),
    *(job.losses(name) for name, job in JOBS.items()),
    *(job.scene(f"further-{name}", preset) for name, (preset, job) in FURTHER.items()),
    *map(setting, SETTINGS),
    *VERBS,
    *ENDINGS,
    *REFUSALS,
)
