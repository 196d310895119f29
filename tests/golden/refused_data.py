"""Mistakes in data of every format, and in the files of a run."""

from pathlib import Path

import numpy as np
from PIL import Image
from tests.golden import data
from tests.golden.scene import PLAIN, Called, Stopped
from tests.made_files import write_clips, write_folder, write_idx, write_table

HERE = Path()

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
    """Something to call that replaces words in a file, or the whole file if `old` is empty."""

    def call() -> tuple[object, None]:
        file = next(iter(sorted(HERE.glob(path), reverse=True)))
        content = file.read_bytes()
        file.write_bytes(content.replace(old.encode(), new.encode()) if old else new.encode())
        return str(file), None

    return Called(label, call)


DAMAGED: tuple[object, ...] = (
    f"train linear --data data.npz --epochs 1 {PLAIN} --out one --json",
    damage("another recipe's format", "one/recipe.toml", "format = 1", "format = 99"),
    "! resume one",
    damage("the recipe's own format", "one/recipe.toml", "format = 99", "format = 1"),
    damage("another resolved format", "one/resolved.toml", "format = 1", "format = 99"),
    "! resume one --json",
    damage("another model's format", "one/model/model.json", '"format": 1', '"format": 99'),
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
