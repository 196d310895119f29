"""The scenes of the verbs: what each of them says, as JSON and for people, and what it writes."""

from pathlib import Path
from typing import Any

from tests.golden import data
from tests.golden.calls import CALLS
from tests.golden.scene import PLAIN, Scene
from tests.made_files import pictures, write_folder, write_series, write_table

from glasswork.catalogue import PRESETS, row_of

HERE = Path()
MACHINE = "--threads 1 --precision float32 --memory-format contiguous --allocator default"


def pictures_and_rows() -> None:
    """Pictures in folders, tables of classes and of numbers, recipes."""
    write_folder(HERE / "pictures")
    write_table(HERE / "table.csv", "class")
    write_table(HERE / "numbers.csv", "number")
    data.images()
    recipe = 'preset = "mlp"\ndata = "table.csv"\nhidden = [3]\nactivation = "tanh"\nepochs = 2\n'
    (HERE / "mine.toml").write_text(recipe, encoding="utf-8")
    (HERE / "machine.toml").write_text(f"{recipe}[machine]\nthreads = 1\n", encoding="utf-8")


def characters() -> None:
    data.text()
    lines = ["how hello", "  who low hollow", "hello how who", "    low"]
    (HERE / "source.txt").write_text("\n".join(lines * 40) + "\n", encoding="utf-8")
    (HERE / "strange.txt").write_text("hello \u4e2d\u6587 how", encoding="utf-8")


def series() -> None:
    data.series()
    write_series(HERE / "newer.csv", 130)


def neighbours() -> None:
    from PIL import Image

    write_folder(HERE / "pictures")
    (HERE / "others").mkdir()
    for place, image in enumerate(pictures(4, seed=3)[0]):
        Image.fromarray(image).convert("RGB").resize((40, 30)).save(HERE / "others" / f"{place}.png")
    (HERE / "others" / "broken.png").write_bytes(b"none")
    Image.fromarray(pictures(2, seed=7)[0][1]).save(HERE / "asked.png")


def wrong_labels() -> None:
    """Pictures in class folders, two of them in another class's folder; the same of a table."""
    path = write_folder(HERE / "pictures", count=45)
    for number, right, wrong in ((0, "left", "right"), (4, "middle", "left")):
        (path / right / f"{number}.png").rename(path / wrong / f"{number}.png")
    write_table(HERE / "table.csv", "class")


def ramp() -> None:
    import numpy as np
    from PIL import Image

    Image.fromarray((np.arange(400).reshape(20, 20) % 256).astype(np.uint8)).save(HERE / "ramp.png")


def photos_and_weights() -> None:
    """Pictures of two classes. The weights are those of a run, which the first line trains."""
    data.photos()
    data.images()


NAMES = (
    *("train", "resume", "evaluate", "predict", "write", "units", "forecast", "export", "nearest", "runs"),
    *("crossvalidate", "tune", "rate", "label-errors", "vary", "transfer", "compare", "systems", "open", "diagnose"),
    *("graph", "count", "heatmap", "why-convolution", "why-recurrence", "vanishing-gradient", "convolve"),
)
"""The 27 verbs."""

PICTURE = "pictures/left/0.png"
LOOKING = "--features --attribution --landscape"
QUICK = "--epochs 2 --data moons --threads 1"
WAYS = "--splits 3 --network convnet-small --size 12 --epochs 1 --scratch-epochs 1 --scratch-size 16 --threads 1"
PENALTIES = f"--data table.csv --hidden 4 --epochs 1 --seeds 1 --validation 0.3 {MACHINE} --device cpu"
TUNED = f"--data table.csv --trials 2 --hidden 4 --epochs 2 --label-smoothing 0 {PLAIN}"

SYSTEMS: tuple[Any, ...] = (
    "systems --json",
    "systems",
    *(f"systems show {preset} --json" for preset in PRESETS),
    *(f"systems show {preset}" for preset in PRESETS),
)

FOR_PEOPLE = (
    f"train lenet --data pictures --epochs 2 --batch-size 8 {PLAIN}",
    f"train lenet --data pictures --epochs 1 --batch-size 8 {PLAIN}",
    f"train --data table.csv --epochs 1 {PLAIN}",
    f"train mine.toml --out runs/mine --seed 5 {PLAIN} --json",
    "train machine.toml --out runs/machine --precision float32 --json",
    "train runs/mine/recipe.toml --out runs/again --json",
    f"train linear --data data.npz --epochs 1 --tensorboard {PLAIN} --out runs/watched",
    f"train points --data xor --epochs 2 {PLAIN}",
    "runs",
    "runs --json",
    "compare lenet-1 lenet-2",
    "compare lenet-1 mine --json",
    "evaluate lenet-1 --device cpu",
    "evaluate lenet-1 --data pictures --device cpu",
    "predict lenet-1 pictures/left/0.png pictures/right --device cpu",
    "predict lenet-1 pictures/left pictures/right --device cpu --out page.html",
    "predict mine table.csv --device cpu",
    "diagnose lenet-1 --device cpu",
    "diagnose lenet-1 --data pictures --device cpu --out faults.html --json",
    "count lenet-1",
    "export lenet-1 --to safetensors",
    "export lenet-1 --to state-dict --out weights.pt",
    "export lenet-1 --to onnx",
    "resume lenet-1 --json",
)

OPENED = (
    f"train lenet --data pictures --epochs 1 --batch-size 8 {PLAIN} --out lenet --json",
    f"train linear --data pictures --epochs 1 {PLAIN} --out linear --json",
    f"train mlp --data numbers.csv --epochs 1 {PLAIN} --out numbers --json",
    f"open lenet {PICTURE} --device cpu --target left --parts --out open.html",
    f"open lenet {PICTURE} --device cpu {LOOKING} --unit convolution_2:3 --out look.html --json",
    f"open linear {PICTURE} --device cpu {LOOKING} --unit output:1 --out linear.html --json",
    "open numbers numbers.csv --device cpu --target 3.5 --learning-rate 0.1 --json",
)

COUNTED = (
    "count '32x32x3 conv5x5x64 pool2 conv3x3x128 pool2 fc10' --json",
    "count '256x256x3 fc1000'",
    *(f"count {preset} --json" for preset, known in PRESETS.items() if preset != "own" and row_of(known.system).data),
    "count lenet --size 32",
)

WRITTEN = (
    f"train char-rnn --data data.txt --cell gru --epochs 2 --batch-size 8 --hidden-size 16 --bptt-length 20 "
    f"{PLAIN} --out run",
    "write run --prompt hello --length 40 --temperature 0.7 --seed 3",
    "write run --prompt hello --length 40 --temperature 0.7 --seed 3 --json",
    "write run --length 40 --top-k 3 --json",
    "write run --length 40 --top-p 0.9 --json",
    "write run --length 40 --beam 4 --json",
    "write run --length 40 --temperature 0 --json",
    "write run --length 40 --samples 3 --json",
    "write run --length 20 --samples 2",
    "units run source.txt --characters 300 --out units.html --json",
    "units run source.txt --characters 300 --unit 0.3",
    "predict run strange.txt --device cpu",
)

FORECAST = (
    "train forecast --data data.csv --target demand --horizon 3 --window 8 --hidden-size 4 --ensemble-size 2 "
    f"--quantiles 5 --epochs 2 {PLAIN} --out run",
    "forecast run --device cpu --json",
    "forecast run --device cpu",
    "forecast run --device cpu --data newer.csv --json",
    "forecast run --device cpu --out ahead.csv",
    "forecast run --device cpu --out ahead.html",
)

NEAREST = (
    f"train embed --data pictures --epochs 1 --held-out-classes 0 {PLAIN} --out run --json",
    f"train lenet --data pictures --epochs 1 {PLAIN} --out lenet --json",
    "nearest run asked.png --device cpu --count 5 --json",
    "nearest run asked.png --device cpu",
    "nearest run asked.png --device cpu --among others --json",
    "nearest run asked.png --device cpu --count 3 --out page.html",
    "nearest run asked.png --device cpu --count 3 --out page.png",
    "nearest lenet asked.png --device cpu --json",
)

FEW = f"{PLAIN} --data table.csv --folds 2 --epochs 2"

CROSSVALIDATED = (
    f"crossvalidate mlp {FEW} --hidden 2 4 --json",
    f"crossvalidate mlp {FEW} --hidden 2 4 --activation tanh relu --out page.html",
    f"crossvalidate mlp {FEW} --hidden 3 --order time --json",
    f"crossvalidate mlp {FEW} --hidden 3 --groups colour --test 0 --validation 0 --json",
    f"crossvalidate mlp {PLAIN} --data numbers.csv --folds 2 --epochs 2 --hidden 3 --repeats 2 --json",
    f"crossvalidate mine.toml {FEW} --dropout 0 0.5 --json",
    f"crossvalidate lenet {PLAIN} --data data.npz --folds 2 --epochs 1 --dropout 0 0.5 --out page.json",
)

HEATMAPS = (
    f"train heatmap --data slides --size 16 --epochs 2 --patches 80 --batch-size 16 {PLAIN} --out run",
    "heatmap run new.png --device cpu --mask new_mask.png --tile 64 --json",
    "heatmap run new.png --device cpu --target other",
    "heatmap run slides/test --device cpu --json",
    "heatmap run slides/test --device cpu",
    "heatmap run new.png --device cpu --out map.png",
    "heatmap run new.png --device cpu --out map.html",
    "heatmap run new.png --device cpu --out map.npy",
)

VERBS: tuple[Scene, ...] = (
    Scene("verb-systems", lambda: None, SYSTEMS),
    Scene("verb-people", pictures_and_rows, FOR_PEOPLE),
    Scene("verb-open", pictures_and_rows, OPENED),
    Scene("verb-count", lambda: None, COUNTED),
    Scene("verb-write", characters, WRITTEN),
    Scene("verb-forecast", series, FORECAST),
    Scene("verb-nearest", neighbours, NEAREST),
    Scene("verb-crossvalidate", pictures_and_rows, CROSSVALIDATED),
    Scene("verb-heatmap", data.slides, HEATMAPS),
    Scene(
        "verb-penalties",
        pictures_and_rows,
        (
            f"compare --penalties mlp {PENALTIES} --json --out page.html",
            f"compare --penalties mine.toml --seeds 1 --validation 0.3 {PLAIN}",
        ),
    ),
    Scene(
        "verb-tune",
        pictures_and_rows,
        (
            f"tune mlp {TUNED} --study one.db --out page.html --json",
            f"tune mlp {TUNED} --study one.db",
            f"tune mlp {TUNED} --study two.db --judge accuracy --json",
        ),
    ),
    Scene(
        "verb-rate",
        pictures_and_rows,
        (
            f"rate mlp --data table.csv --hidden 16 {PLAIN} --json",
            f"rate mlp --data table.csv --hidden 16 {PLAIN} --out rates.html",
            f"rate linear --data numbers.csv --schedule constant {PLAIN} --json",
        ),
    ),
    Scene(
        "verb-label-errors",
        wrong_labels,
        (
            "label-errors pictures --preset mlp --folds 3 --epochs 4 --threads 1 --device cpu --out page.html "
            "--csv suspects.csv --json",
            "label-errors table.csv --folds 3 --epochs 4 --threads 1 --device cpu",
        ),
    ),
    Scene(
        "verb-vary",
        pictures_and_rows,
        (
            f"vary points hidden 2 3,3 {QUICK} --out row.png",
            f"vary points hidden 2 3,3 {QUICK} --out row.html --json",
            f"vary points learning-rate 0.001 0.1 {QUICK}",
            "vary points epochs 4 --data gauss --threads 1 --out curve.html",
            f"vary mlp hidden 4 8 --data numbers.csv --epochs 2 {PLAIN} --runs kept",
        ),
    ),
    Scene(
        "verb-transfer",
        photos_and_weights,
        (
            f"train convnet-small --data data.npz --epochs 1 {PLAIN} --out source --json",
            f"transfer photos --weights source {WAYS} --device cpu --json",
            f"transfer photos --weights source {WAYS} --device cpu --curve --out page.html",
            "predict efficientnet-lite0 one.png photos/cat --device cpu --json",
            "predict efficientnet-lite0 one.png --device cpu",
        ),
    ),
    Scene(
        "verb-graph",
        lambda: None,
        (
            "graph '(x+y)*z' x=-2 y=5 z=-4 --json",
            "graph '(x+y)*z' x=-2 y=5 z=-4",
            "graph '(x+y)*z' x=-2 y=5 z=-4 --out graph.html",
            "graph '(x+y)*z' x=-2 y=5 z=-4 --out graph.svg",
            "graph '-x*y' x=2 y=3 --json",
            "graph 'x/y' x=1 y=0",
            "graph 'sigmoid(w0*x0+w1*x1+w2)' w0=2 x0=-1 w1=-3 x1=-2 w2=-3 --json",
            "graph 'max(x, y)**2 + log(exp(y)) - tanh(x)' x=2 y=3 --json",
        ),
    ),
    Scene(
        "verb-convolve",
        ramp,
        (
            "convolve ramp.png --kernel '1 0 -1; 2 0 -2; 1 0 -1' --stride 2 --padding valid --out out.png --json",
            "convolve ramp.png --kernel gaussian --padding 1 --out out.html",
            *(
                f"convolve ramp.png --kernel {name} --json"
                for name in ("sobel-x", "sobel-y", "gradient", "gaussian", "sharpen", "emboss", "laplacian", "box")
            ),
            "convolve ramp.png",
        ),
    ),
    Scene(
        "verb-why-convolution",
        data.images,
        ("why-convolution --data data.npz --size 12 --json --out page.html", "why-convolution --data data.npz"),
    ),
    Scene(
        "verb-why-recurrence",
        lambda: (data.clips(), data.sentences()),
        (
            "why-recurrence --distance 6 --hidden-size 4 --steps 3 --repeats 2 --seed 7 --out page.html --json",
            "why-recurrence --cells gru --distance 6 --hidden-size 4 --steps 3 --repeats 1",
            "why-recurrence --data data.conll --epochs 1 --threads 1 --out words.html --json",
            "why-recurrence --data data.conll --epochs 1 --threads 1 --cell gru",
            "why-recurrence --data clips --target direction --epochs 1 --threads 1 --json",
        ),
    ),
    Scene(
        "verb-vanishing-gradient",
        lambda: None,
        (
            "vanishing-gradient --length 12 --hidden-size 6 --steps 2 --out page.html --json",
            "vanishing-gradient --cells gru --length 12 --hidden-size 6 --steps 0",
        ),
    ),
    Scene(
        "verb-help",
        lambda: None,
        ("! --help", *(f"! {verb} --help" for verb in NAMES), *(f"! train {preset} --help" for preset in PRESETS)),
    ),
    *CALLS,
)
