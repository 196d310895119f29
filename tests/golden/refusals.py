"""Mistakes of users: the command lines that the tests know, whose exit code and sentence are recorded."""

import re
from pathlib import Path

import numpy as np
from PIL import Image
from tests.golden import data
from tests.golden.scene import PLAIN, Scene, Stopped
from tests.made_files import (
    write_clips,
    write_folder,
    write_idx,
    write_npz,
    write_sentences,
    write_series,
    write_table,
    write_text,
)

HERE = Path()


def refused(name: str, prepare: object, lines: str, *before: object) -> Scene:
    """A scene of mistakes, one on a line of `lines`; what they need is trained before."""
    assert callable(prepare)
    words = tuple(f"! {line.replace('PLAIN', PLAIN)}" for line in lines.strip().splitlines())
    assert len(set(words)) == len(words), f"{name} holds a line twice"
    return Scene(name, prepare, (*before, *words))


def world() -> None:
    """Data of every kind, and files that are in the way."""
    write_npz(HERE / "images.npz", "class")
    write_npz(HERE / "several.npz", "classes")
    write_npz(HERE / "lengths.npz", "number")
    write_folder(HERE / "pictures")
    write_table(HERE / "table.csv", "class")
    write_table(HERE / "numbers.csv", "number")
    write_text(HERE / "text.txt")
    write_text(HERE / "short.txt", 60)
    write_series(HERE / "series.csv")
    write_sentences(HERE / "data.conll")
    header = (HERE / "table.csv").read_text(encoding="utf-8").splitlines()[0]
    (HERE / "empty.csv").write_text(header + "\n", encoding="utf-8")
    (HERE / "page.html").write_text("mine", encoding="utf-8")
    (HERE / "mine").mkdir()
    (HERE / "mine" / "thesis.txt").write_text("years of work", encoding="utf-8")
    (HERE / "words.db").write_text("no database", encoding="utf-8")
    (HERE / "source.txt").write_text("how hello\n  who low\n" * 40, encoding="utf-8")
    (HERE / "tiny.txt").write_text("h", encoding="utf-8")
    np.savez(HERE / "nan.npz", x=np.where(np.arange(240).reshape(60, 4) == 30, np.nan, 1.5), y=np.arange(60) % 2)
    Image.new("RGB", (9, 9)).save(HERE / "tiny.png")
    data.one_picture()
    data.slide(HERE / "new.png", 37, (20, 20))
    for name, text in RECIPES.items():
        (HERE / f"{name}.toml").write_text(text, encoding="utf-8")
    for name, code in NETWORKS.items():
        (HERE / f"{name}.py").write_text(code + "\n", encoding="utf-8")


RECIPES = {
    "unknown": 'preset = "lenet"\nlerning_rate = 0.1\n',
    "many": 'preset = "lenet"\nepochs = "many"\n',
    "thread": 'preset = "lenet"\n[machine]\nthread = 1\n',
    "lenett": 'preset = "lenett"\n',
    "unnamed": "epochs = 1\n",
    "broken": "preset = \n",
    "number": "preset = 3\n",
}

NETWORKS = {
    "plain": "class Net: pass",
    "importing": "import nothing_of_that_name",
    "syntax": "class Net(:",
    "needing": "class Net:\n    def __init__(self, depth): pass",
    "outputs": "from torch import nn\ndef Net(features): return nn.Sequential(nn.Flatten(), nn.Linear(features, 7))",
    "inputs": "from torch import nn\ndef Net(): return nn.Sequential(nn.Flatten(), nn.Linear(5, 3))",
    "weightless": "from torch import nn\nclass Net(nn.Module):\n    def forward(self, x): return x.flatten(1)[:, :3]",
    "two": "from torch import nn\nclass Net(nn.Module):\n    def forward(self, x): return x, x",
}

WORDS = """
trian
zebra
--verb
train lenet --learning-rat 1
train lenet mlp
train lenett
train zebra
train lenet --epochs many
train lenet --epochs 0
train lenet --epochs
train lenet --learning-rate -1
train lenet --learning-rate 0
train lenet --learning-rate nan
train lenet --dropout 1
train lenet --momentum 1
train lenet --validation 1
train lenet --test -0.1
train lenet --strength -1
train lenet --strength x
train lenet --seed -1
train lenet --seed 2147483648
train lenet --optimizer adamm
train lenet --hidden 12,many
train lenet --budget soon
train lenet --budget 0s
train lenet --patience 0
train lenet --threads 0
train lenet --data images.npz --device quantum
train lenet --data images.npz --penalty max-norm
train lenet --data images.npz --augment flop
train lenet --data images.npz --augment flipp
train lenet --data images.npz --augment colour:0.1
train lenet --data images.npz --augment crop:1.5
train lenet --data images.npz --augment crop:-1
train lenet --data images.npz --augment crop:many
train lenet --data images.npz --augment crop:nan
train lenet --data images.npz --augment crop:
train lenet --data images.npz --augment rotation:inf
train lenet --data images.npz --augment scale:1
train lenet --data images.npz --augment color:2
train lenet --data images.npz --augment flip:2
train lenet --data images.npz --augment crop:2,crop:4
train lenet --data images.npz --network lenett
train lenet --data images.npz --size large
train lenet --data images.npz --size 4
train alexnet --data images.npz --size 32
train vgg11 --data images.npz --size 32
train mlp --data images.npz --optimizer sgd --weight-decay 0.1
train mlp --data images.npz --loss hinge --label-smoothing 0.1
train mlp --data numbers.csv --loss cross-entropy
train mlp --data table.csv --target colur
train mlp --data table.csv --augment flip
train mlp --data table.csv --restarts 4 --validation 0
train mlp --data table.csv --restarts 0
train mlp --data nan.npz --threads 1 --out run
train lenet --data table.csv
train lenet --data nothing
train lenet --data minst
train lenet --data text.txt
train lenet --data images.npz --out mine PLAIN
train lenet --data images.npz --out mine/thesis.txt PLAIN
train lenet --data images.npz --out mine/thesis.txt/run PLAIN
train --data nothing
train --data imagse.npz
train none.toml
train unknown.toml
train many.toml
train thread.toml
train lenett.toml
train unnamed.toml
train broken.toml
train number.toml
train --replay nothing
train --data images.npz --network none.py:Net
train --data images.npz --network plain.py:Other
train --data images.npz --network plain.py:Net
train --data images.npz --network importing.py:Net
train --data images.npz --network syntax.py:Net
train --data images.npz --network needing.py:Net
train --data images.npz --network outputs.py:Net
train --data images.npz --network inputs.py:Net
train --data images.npz --network weightless.py:Net
train --data images.npz --network two.py:Net
train xor --momentum 0.9
train xor --weight-decay 0.1
train xor --schedule cosine
train xor --penalty l2
train xor --strength 0.1
train xor --gradient-clip 1
train xor --batch-size 4
train xor --patience 3
train xor --hidden 0
train xor --tolerance 1
train xor --augment flip
train xor --precision bfloat16
train xor --memory-format channels-last
train xor --data digits
train xor --data images.npz
train xor --data numbers.csv
train function --expression sin(y)
train function --expression '2 * pi'
train function --expression '1/x + log(3)' --low -1 --high 1
train function --expression log(x)
train function --expression 'sin(x'
train function --low 3 --high 3
train function --network linear
train points --data star
train points --data moons --target x1
train embed --data table.csv
train embed --data several.npz
train embed --data lengths.npz
train embed --data images.npz
train embed --data images.npz --held-out 3,nine
train embed --data images.npz --held-out 0 --network lenett
train embed --data images.npz --held-out 0 --mining hardest
train embed --data images.npz --held-out 0 --classes-per-batch 2 --examples-per-class 3 --batch-size 9
train transfer --data images.npz --weights nowhere
train transfer --data images.npz --weights nowhere.pth
train transfer --data images.npz --network lenet
train transfer --data images.npz --way thawed
train transfer --data images.npz --lower-rate 0
train transfer --data table.csv --network convnet-small --way scratch
train transfer --data images.npz --network convnet-small --weights images.npz --way scratch
train transfer --data images.npz --network convnet-small --size 4 --way scratch
train char-rnn --data short.txt --out short
train char-rnn --data text.txt --prompt \u00f1
train char-rnn --data images.npz
train char-rnn --data text.txt --cell ltsm
train forecast --data series.csv --target demand --horizon 80
train forecast --data series.csv --target demand --window 100
train forecast --data series.csv --target demand --quantiles 4
train forecast --data series.csv --target nothing
train forecast --data series.csv
train forecast --data series.csv --target demand --horizon 19 --test 0.1 --validation 0
train forecast --data images.npz
train forecast
train sentiment
train sentiment --data images.npz
train tagger --data table.csv
train tagger --data images.npz
train video --data images.npz
train video --data text.txt
train heatmap --data table.csv
train heatmap --data several.npz --network lenett
systems show lenett
systems hide lenet
graph 'x*yy' x=1 y=2
graph 'x*y' x=1
graph 'x*y' x=1 y
graph 'x.y' x=1
graph 'x*y' x=1 y=2 --out page.html
graph 'x*y' x=1 y=2 --out page.pdf
count '32x32x3 canv5x5x64'
count lenett
count lenet --size 2
convolve missing.png
convolve one.png --kernel sobal-x
convolve one.png --kernel '1 2; 3'
convolve one.png --padding some
convolve one.png --stride 0
convolve one.png --kernel box --out page.pdf
export nothing --to onnx
export nothing --to caffe
export nothing
crossvalidate mlp --data table.csv --hidden 2 --out page.html
crossvalidate mlp --data table.csv --hidden 2 --out page.pdf
crossvalidate mlp --data table.csv --hidden 2 --out no/page.html
crossvalidate mlp --data table.csv --hiden 2 4
crossvalidate mlp --data table.csv --hidden 2 4 --budget 10s
crossvalidate mlp --data table.csv --groups color
crossvalidate lenet --data table.csv --hidden 2 4
crossvalidate mlp --data table.csv more.csv
crossvalidate mlp --data table.csv --strength 0 0.1
crossvalidate mlp --data table.csv --network linear --hidden 4 8
crossvalidate mlp --data table.csv --optimizer sgd --momentum 0.5 0.9
crossvalidate mlp --data table.csv --repeats 0
crossvalidate mlp --data table.csv --folds 1
crossvalidate mlp --data table.csv --folds 40
crossvalidate mlp --data table.csv --order backwards
tune mlp --data table.csv --judge speed
tune mlp --data table.csv --validation 0
tune mlp --data table.csv --trials 0
tune mlp --data table.csv --workers 0
tune mlp --data table.csv --budget soon
tune mlp --data table.csv --study words.db
tune mlp --data table.csv --out page.html
tune mlp --data table.csv --hidden 8 --batch-size 8 --learning-rate 1 --dropout 0 --momentum 0.8 --label-smoothing 0
rate xor
rate mlp --data table.csv --out page.html
rate mlp --data nothing
label-errors table.csv --out page.txt
label-errors table.csv --out page.html
label-errors numbers.csv --preset mlp
label-errors several.npz --preset mlp
label-errors table.csv --preset xor
label-errors table.csv --preset mlp --folds 1
label-errors table.csv --preset mlp --folds 50
label-errors nothing
vary points hiden 1 2
vary points hidden 3
vary points hidden 3 3
vary points seed 3 3
vary points hidden 3 4 --hidden 5
vary points hidden 3 many
vary points strength 0.1 0.2
vary points threads 1 2
vary points epochs ten
vary points hidden 2 3 --out page.html
vary points hidden 2 3 --out row.gif
vary points hidden 2 3 --out no/a.png
compare --penalties mlp --dropout 0.5
compare --penalties mlp --data table.csv --validation 0
compare --penalties xor
compare --penalties mlp --data table.csv --seeds 0
compare --penalties mlp --data table.csv --out page.html
why-convolution --out page.html
why-convolution --budget soon
why-convolution --budget 0s
why-convolution --data table.csv
why-recurrence --cells ltsm
why-recurrence --distance 2
why-recurrence --out why.pdf
why-recurrence --out page.html
why-recurrence --cell gru
why-recurrence --data data.conll --distance 30
why-recurrence --data data.conll --cell none
why-recurrence --data data.conll --cell ltsm
why-recurrence --data data.conll --target x
why-recurrence --data images.npz
why-recurrence --data text.txt
vanishing-gradient --length 1
vanishing-gradient --steps -1
vanishing-gradient --cells ltsm
vanishing-gradient --out page.html
transfer nowhere
transfer images.npz --network convnet-small --weights table.csv
transfer pictures --splits 2 --network convnet-small
transfer pictures --splits 40 --network convnet-small
transfer pictures --network lenet
transfer pictures --network lennet
transfer pictures --scratch nothing
transfer pictures --threads 0
transfer pictures --device abacus
transfer pictures --weights nowhere
transfer pictures --weights nowhere.pth
transfer pictures --out page.pdf
transfer pictures --out page.html
transfer pictures --out nowhere/page.html
transfer pictures --epochs many
transfer table.csv
resume nothing
evaluate nothing
predict nothing a.png
predict nothing
open nothing a.png
diagnose nothing
compare nothing
compare nothing other
nearest nothing one.png
heatmap nothing one.png
write nothing
units nothing text.txt
forecast nothing
"""

OF_RUNS = """
resume imagse
evaluate images --data table.csv
evaluate images --data nothing
evaluate images --device quantum
evaluate table --data images.npz
evaluate table --data numbers.csv
predict images a.png
predict images table.csv
predict images one.png --epochs 1
predict images one.png --csv page.html
predict images one.png --out page.html
predict images one.png --out page.pdf
predict table a.csv
predict table pictures
predict table empty.csv
predict chars nothing.txt
predict halfway one.png
evaluate halfway
train lenet --data images.npz --out runs/images PLAIN
train lenet --replay table
compare images
compare images nothing
open images missing.png
open images one.png --target zebra
open images one.png --features
open images one.png --unit convolution_2:99 --out x.html
open images one.png --unit convolution_2 --out x.html
open images one.png --out x.pdf
open numbers numbers.csv --target many
open table empty.csv
open chars tiny.txt
open chars text.txt --target x
open tagger 'the tea' --target DT
diagnose images --data nothing
diagnose images --out x.pdf
export images --to onnx --out page.html
export images --to safetensors --out page.html
export halfway --to onnx
write images
write table
write chars --prompt h\u00f1Z
write chars --length 0
write chars --temperature -1
write chars --top-p 0
write chars --top-k 0
write chars --beam 2 --top-k 3
write chars --beam 2 --samples 3
write chars --samples 0
write chars --seed -1
units chars source.txt --unit 9
units chars source.txt --unit 0.99
units chars source.txt --characters 3
units chars tiny.txt
units chars none.txt
units chars source.txt --out page.html
units table source.txt
forecast images
forecast series --out ahead.pdf
forecast series --out page.html
forecast series --data gaps.csv
forecast series --data start.csv
forecast series --data bare.csv
nearest images none.png
nearest images one.png --count 0
nearest images one.png --out page.txt
nearest images one.png --out page.html
nearest images one.png --among table.csv
nearest images one.png --among nowhere
nearest series one.png
nearest table one.png
heatmap images tiny.png
heatmap images new.png --target cancer
heatmap images new.png --level 1
heatmap images nowhere.png
heatmap images pictures --out a.png
heatmap images new.png --out page.html
heatmap table new.png
train transfer --data images.npz --network resnet18 --weights images --size 64
"""

SMALL = f"--epochs 1 --batch-size 8 {PLAIN}"

TRAINED: tuple[object, ...] = (
    f"train lenet --data pictures {SMALL} --out runs/images --json",
    f"train mlp --data table.csv {SMALL} --out runs/table --json",
    f"train mlp --data numbers.csv {SMALL} --out runs/numbers --json",
    f"train char-rnn --data text.txt --units 6 --sequence 20 {SMALL} --out runs/chars --json",
    f"train tagger --data data.conll --units 3 --embedding 2 {SMALL} --out runs/tagger --json",
    f"train forecast --data series.csv --target demand --horizon 3 --window 8 --units 4 --members 1 --quantiles 5 "
    f"{SMALL} --out runs/series --json",
    Stopped(f"lenet --data images.npz {SMALL}", 3, "runs/halfway"),
)


def world_of_runs() -> None:
    world()
    lines = write_series(HERE / "newer.csv", 130).read_text(encoding="utf-8").splitlines()
    (HERE / "gaps.csv").write_text("\n".join([lines[0], *lines[1::2]]) + "\n", encoding="utf-8")
    (HERE / "start.csv").write_text("\n".join(lines[:9]) + "\n", encoding="utf-8")
    (HERE / "bare.csv").write_text("date,demand\n2024-01-01,1\n2024-01-02,2\n", encoding="utf-8")


TABLES: dict[str, str | bytes] = {
    "longer": "a,y\n1,0\n\n1,2,3\n",
    "wider": "a,y\n1,0,2\n1,1,3\n",
    "shorter": "a,b,y\nu,1,0\n1\n",
    "no-answer": "a,y\n1,0\n2,\n",
    "no-name": "a,y\n1,u\n2,\n",
    "infinite": "a,y\n1,0\ninf,1\n",
    "same-number": "a,y\n1,3\n2,3\n",
    "same-name": "a,y\n1,u\n2,u\n",
    "alone": "y\n1\n0\n",
    "header": "a,y\n",
    "nothing": "",
    "twice": "a,a,y\n1,2,3\n",
    "latin": "a,y\n\xe9,1\n".encode("latin-1"),
    "quote": 'a,y\n"' + "x\n" * 100_000,
    "oops": "\n".join(["b,y", *(f"{row or 'oops'},{row % 2}" for row in range(60))]),
    "date": "\n".join(["b,y", *(f"2020-{row % 12 + 1}-{row + 1},{row % 2}" for row in range(33))]),
    "constant": "b,y\n7,0\n7,1\n",
    "several": "y,label,a\n1,2,3\n",
    "usual": "a,b\n1,2\n",
    "names": "\n".join(["b,y", *(f"{row},name {row}" for row in range(60))]),
}

SERIES = {
    "uneven": "date,y\n2020-01-01,1\n2020-01-02,2\n2020-01-03,3\n2020-01-04 07:00,4\n",
    "again": "date,y\n2020-01-01,1\n2020-01-02,2\n2020-01-02,3\n",
    "words": "date,y\n2020-01-01,1\n2020-01-02,two\n",
    "soon": "date,y\n2020-01-01,1\nsoon,2\n",
    "two": "date,a,b\n2020-01-01,1,2\n",
    "empty": "date,y\n2020-01-01,\n2020-01-02,\n",
    "years": "year,y\n1,1\n2,1\n3,1\n4.5,1\n",
    "split": "date,y,split\n2020-01-01,1,test\n2020-01-02,2,train\n",
    "shops": "date,shop,y\n2020-01-01,x,1\n2020-01-02,x,2\n",
}

TEXTS = {
    "one-kind": "said,kind\ngood tea here,kind\nGood rice there,kind\n",
    "no-texts": "a,label\n1,x\n2,y\n",
    "no-words": "said,label\n,kind\n,unkind\n",
}

TAGGED = {
    "unlabelled": "The\tDT\ndog\n",
    "one-label": "The\tDT\ndog\tDT\n",
    "blank": "\n\n",
}

CLIPS = {
    "unlabelled": ("labels0.csv", "frame,direction\n0,left\n1,\n"),
    "wider": ("labels0.csv", "frame,direction\n0,left,more\n"),
    "no-label": ("labels0.csv", "frame,direction\n"),
    "no-table": ("clips.csv", "clip,labels\nclip0,\n"),
    "no-clip": ("clips.csv", "clip,labels\nclip9,labels0.csv\n"),
    "strange": ("clips.csv", "clip,labels,split\nclip0,labels0.csv,some\n"),
    "single": ("clips.csv", "clip,labels\nclip0,labels0.csv\n"),
}


def arrays() -> dict[str, dict[str, object]]:
    """Arrays that cannot be used, by the name of their file."""
    images, labels = np.zeros((9, 6, 5), np.uint8), (np.arange(9) % 3).astype(np.uint8)
    images[:] = np.arange(9, dtype=np.uint8)[:, None, None]
    return {
        "no-targets": {"x": images},
        "strange-names": {"a": images, "b": labels},
        "half": {"x_train": images},
        "unequal": {"x": images, "y": labels[:8]},
        "negative": {"x": images[:2], "y": np.array([0, -1])},
        "huge": {"x": images[:2], "y": np.array([0, 10**9])},
        "unnamed": {"x": images[:2], "y": np.array([0, 2]), "classes": np.array(["a", "b"])},
        "letters": {"x": np.array([["a"], ["b"]]), "y": labels[:2]},
        "not-finite": {"x": np.array([[np.nan], [1]]), "y": labels[:2]},
        "below": {"x": images[:2] * -1.0 - 2, "y": labels[:2]},
        "above": {"x": images[:2] * 300.0 + 300, "y": labels[:2]},
        "channels": {"x": np.zeros((2, 4, 4, 7)), "y": labels[:2]},
        "flat": {"x": np.zeros(2), "y": labels[:2]},
        "deep": {"x": np.zeros((2, 3)), "y": np.zeros((2, 3, 3))},
        "none": {"x": images[:0], "y": labels[:0]},
        "cut": {"x": images, "y": labels},
    }


def unreadable() -> None:
    """Data in every format with a mistake in it."""
    for name, content in {**TABLES, **SERIES, **TEXTS}.items():
        (HERE / f"{name}.csv").write_bytes(content.encode() if isinstance(content, str) else content)
    for name, text in TAGGED.items():
        (HERE / f"{name}.conll").write_text(text, encoding="utf-8")
    for name, (file, text) in CLIPS.items():
        write_clips(HERE / f"clips-{name}", 2)
        (HERE / f"clips-{name}" / file).write_text(text, encoding="utf-8")
    for name, made in arrays().items():
        np.savez(HERE / f"{name}.npz", **made)  # type: ignore[arg-type]
    whole = (HERE / "cut.npz").read_bytes()
    (HERE / "cut.npz").write_bytes(whole[: len(whole) // 2])
    (HERE / "empty.txt").write_bytes(b"")
    (HERE / "latin.txt").write_bytes("caf\u00e9 ".encode("latin-1") * 500)
    (HERE / "song.mp3").write_bytes(b"ID3")
    (HERE / "empty-folder").mkdir()
    write_table(HERE / "table.csv", "class")
    for name, counts in {"one-class": {"a": 2}, "one-image": {"cat": 4, "dog": 1}}.items():
        for kind, count in counts.items():
            (HERE / name / kind).mkdir(parents=True)
            for place in range(count):
                Image.new("L", (12, 12), 20 * place).save(HERE / name / kind / f"{place}.png")
    write_folder(HERE / "broken", 30)
    (HERE / "broken" / "left" / "0.png").write_bytes(b"none")
    labels = write_idx(HERE / "idx", 9) / "train-labels-idx1-ubyte"
    write_idx(HERE / "idx-cut", 9)
    images = HERE / "idx-cut" / "train-images-idx3-ubyte"
    images.write_bytes(images.read_bytes()[:-1])
    labels.unlink()
    (HERE / "batch" / "x").mkdir(parents=True)
    (HERE / "batch" / "data_batch_1.bin").write_bytes(bytes(3072))


MACHINE = "--epochs 1 --threads 1 --precision float32 --memory-format contiguous --allocator default --out run"

UNREADABLE = "\n".join(
    [
        *(f"train mlp --data {name}.csv {MACHINE} --target y" for name in TABLES if name not in {"several", "usual"}),
        *(f"train mlp --data {name}.csv {MACHINE}" for name in ("several", "usual", "constant")),
        f"train mlp --data table.csv {MACHINE} --target colour,width",
        f"train mlp --data table.csv {MACHINE} --target ' , '",
        *(f"train forecast --data {name}.csv --horizon 1 {MACHINE}" for name in SERIES),
        f"train forecast --data shops.csv --target z {MACHINE}",
        f"train forecast --data shops.csv --target shop {MACHINE}",
        f"train forecast --data shops.csv --series z {MACHINE}",
        f"train forecast --data shops.csv --time z {MACHINE}",
        *(f"train sentiment --data {name}.csv {MACHINE}" for name in TEXTS),
        f"train sentiment --data one-kind.csv --text title {MACHINE}",
        *(f"train tagger --data {name}.conll {MACHINE}" for name in TAGGED),
        *(f"train video --data clips-{name} --size 16 {MACHINE}" for name in CLIPS),
        f"train video --data clips-single --target way {MACHINE}",
        *(f"train mlp --data {name}.npz {MACHINE}" for name in arrays()),
        f"train char-rnn --data empty.txt {MACHINE}",
        f"train char-rnn --data latin.txt {MACHINE}",
        f"train lenet --data song.mp3 {MACHINE}",
        f"train lenet --data empty-folder {MACHINE}",
        f"train lenet --data one-class {MACHINE}",
        f"train lenet --data one-class/a {MACHINE}",
        f"train lenet --data one-image {MACHINE}",
        f"train lenet --data broken --strict {MACHINE}",
        f"train lenet --data idx {MACHINE}",
        f"train lenet --data idx-cut {MACHINE}",
        f"train lenet --data batch {MACHINE}",
        f"train mlp --data tabel.csv {MACHINE}",
    ]
)


def changed() -> None:
    """Two runs' worth of data; what happens to the runs is the lines' business."""
    data.images()
    data.rows()


def damage(label: str, path: str, old: str, new: str) -> object:
    """Something to call that replaces what matches a pattern in a file, or the whole file if `old` is empty."""
    from tests.golden.scene import Called

    def call() -> tuple[object, None]:
        file = next(iter(sorted(HERE.glob(path), reverse=True)))
        content = file.read_bytes()
        file.write_bytes(re.sub(old.encode(), new.encode(), content) if old else new.encode())
        return str(file), None

    return Called(label, call)


DAMAGED: tuple[object, ...] = (
    f"train linear --data data.npz --epochs 1 {PLAIN} --out one --json",
    damage("another recipe's format", "one/recipe.toml", "(?m)^format = ", "format = 99"),
    "! resume one",
    damage("the recipe's own format", "one/recipe.toml", "(?m)^format = 99", "format = "),
    damage("another resolved format", "one/resolved.toml", "(?m)^format = ", "format = 99"),
    "! resume one --json",
    damage("another model's format", "one/model/model.json", '"format": ', '"format": 99'),
    "! evaluate one",
    Stopped(f"lenet --data data.npz --epochs 2 --batch-size 8 {PLAIN}", 3, "two"),
    damage("a damaged checkpoint", "two/checkpoints/*.safetensors", "", "no checkpoint"),
    "! resume two",
    Stopped(f"mlp --data data.csv --epochs 2 --batch-size 8 {PLAIN}", 3, "three"),
    damage("changed data", "data.csv", "red", "green"),
    "! resume three",
    f"! train mlp --data data.npz --learning-rate 1e30 --optimizer sgd --batch-size 8 {PLAIN} --out four --json",
    f"! train mlp --data data.csv --learning-rate 1e30 --optimizer sgd --batch-size 8 {PLAIN} --out five --json",
    f"! train lenet --data data.npz --learning-rate 1e30 --optimizer sgd --batch-size 8 {PLAIN} --out six --json",
    f"! train lenet --data data.npz --epochs 1 {PLAIN} --out one --json",
)

REFUSALS: tuple[Scene, ...] = (
    refused("refused-words", world, WORDS),
    refused("refused-of-runs", world_of_runs, OF_RUNS, *TRAINED),
    refused("refused-data", unreadable, UNREADABLE),
    Scene("refused-damaged", changed, DAMAGED),
)
