"""Triplet embeddings against softmax features of the same network, on classes that neither was trained on.

python benchmarks/embed.py DATA [--set KEY=VALUE ...] [--seeds 0 1 2] [--on test|validation] [--softmax-rate RATE ...]
    [--only triplets|softmax] [--threads WHOLE] [--folder FOLDER]

DATA is anything that `glasswork train embed --data` takes, or the folder of `emoji-captions`, of which class folders
(links, two vendors' pictures of each concept without its skin tones) are made in `--folder`. For each seed the same
classes are held out, and the same network is trained on the same other classes twice: by the triplet loss, its
embeddings being compared, and as a classifier by cross-entropy, the features before its last layer being compared,
scaled to length 1. Both see as many examples in all. Recall is that of each held-out example among the others, and for
emoji also that of Google's pictures among Twitter's. To tune, look at the validation classes (`--on validation`).
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from machine import describe_machine
from torch import Tensor, nn

from glasswork.data.augmentation import parse
from glasswork.data.collate import Rows, shuffled_batches
from glasswork.data.dataset import Dataset
from glasswork.data.splits import Splits, split
from glasswork.execution import Execution, seed_everything
from glasswork.networks.embedding import Embedding
from glasswork.objectives.retrieval import recall, verification
from glasswork.systems.embed.recipe import EMBED, EmbedRecipe
from glasswork.systems.embed.system import Embed
from glasswork.systems.retrieval import embeddings_on
from glasswork.systems.system import Context
from glasswork.training.fit import fit
from glasswork.training.stage import Clock, Judgement, Stage

VENDORS = ("google", "twitter")
CHUNK = 500


@dataclass(frozen=True)
class Division:
    """One division of one data set, and what is trained on it."""

    system: Embed
    dataset: Dataset
    splits: Splits
    execution: Execution


def emoji_folders(source: Path, folder: Path) -> Path:
    """Class folders of the concepts, each with a link to every vendor's picture; skin tones are left out."""
    kind = json.loads((source / "annotations" / "A_captions_train.json").read_text(encoding="utf-8"))
    names = {image["id"]: image["file_name"] for image in kind["images"]}
    for annotation in kind["annotations"]:
        caption, file = annotation["caption"], Path(names[annotation["image_id"]]).name
        if "skin tone" in caption:
            continue
        place = folder / caption.replace("/", " ")
        place.mkdir(parents=True, exist_ok=True)
        for vendor in VENDORS:
            link = place / f"{vendor}.png"
            if not link.exists():
                link.symlink_to((source / vendor / file).resolve())
    return folder


def task(values: dict[str, Any], threads: int) -> Division:
    """The data read and divided, and the recipe made whole, as a run of `glasswork train embed` does it."""
    recipe = EmbedRecipe.parse({**EMBED, **values})
    draft = Embed(recipe)
    assert recipe.data is not None
    dataset = draft.read(recipe.data)
    splits = split(dataset, recipe.validation, recipe.test, recipe.seed)
    dataset = dataset.with_task(draft.fit(dataset, splits.training))
    return Division(Embed(draft.resolve(dataset, splits)), dataset, splits, Execution(threads=threads))


def train(stage: Stage) -> float:
    """Carries a stage out and puts its best weights into the network; seconds."""
    started, best = time.monotonic(), None
    for step in fit(stage):
        best = step.best
    if best is not None:
        stage.network.load_state_dict(dict(best.weights))
    return time.monotonic() - started


def triplets(made: Division) -> tuple[Callable[[Tensor], Tensor], float]:
    """Trains by the triplet loss; embeddings of rows, and seconds."""
    seed_everything(made.system.recipe.seed)
    network = made.system.network(made.examples.task)
    [stage] = made.system.stages(network, Context(made.examples, made.splits, made.execution))
    seconds = train(replace(stage, clock=Clock(stage.total)))
    return lambda rows: embeddings_on(network, made.examples, rows, made.execution), seconds


class Features(nn.Module):
    """A classifier whose features before its last layer can be had."""

    def __init__(self, body: nn.Module, classes: int) -> None:
        super().__init__()
        last = [name for name, layer in body.named_modules() if isinstance(layer, nn.Linear)][-1]
        layer = getattr(body, last)
        setattr(body, last, nn.Identity())
        self.body, self.output = body, nn.Linear(layer.in_features, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Scores of the classes."""
        scores: Tensor = self.output(self.body(images))
        return scores


def softmax(made: Division, learning_rate: float) -> tuple[Callable[[Tensor], Tensor], float]:
    """Trains the same network as a classifier of the training classes; normalised features of rows, and seconds."""
    recipe, dataset, splits = made.system.recipe, made.examples, made.splits
    seed_everything(recipe.seed)
    embedding = made.system.network(dataset.task)
    assert isinstance(embedding, Embedding) and recipe.batch_size is not None and recipe.epochs is not None
    kinds, places = torch.unique(dataset.columns["targets"][splits.training], return_inverse=True)
    targets = dataset.columns["targets"].clone()
    targets[splits.training] = places
    named = replace(dataset, columns={**dataset.columns, "targets": targets})
    network = Features(embedding.body, len(kinds))
    augmentation = parse(recipe.augment) if recipe.augment else None
    batches = shuffled_batches(named, splits.training, recipe.batch_size, recipe.seed, made.execution, augmentation)

    def features(rows: Tensor) -> Tensor:
        network.eval()
        plain = Rows(dataset, made.execution)
        with torch.inference_mode():
            found = [network.body(plain(rows[at : at + CHUNK]).inputs) for at in range(0, len(rows), CHUNK)]
        return F.normalize(torch.cat(found), dim=1)

    def judge(_: nn.Module) -> Judgement:
        share = recall(features(splits.validation), dataset.columns["targets"][splits.validation]).shares[1]
        return Judgement(1 - share, {"recall_at_1": share})

    stage = Stage(
        name="softmax",
        network=network,
        parameters=list(network.parameters()),
        batches=batches,
        loss=lambda network, batch, carry, moment: (F.cross_entropy(network(batch.inputs), batch.targets), carry),
        judge=judge if len(splits.validation) else None,
        clock=Clock(recipe.epochs * len(batches)),
        execution=made.execution,
        seed=recipe.seed,
        learning_rate=learning_rate,
        weight_decay=recipe.weight_decay,
        schedule=recipe.schedule,
    )
    return features, train(stage)


def measured(made: Division, embed: Callable[[Tensor], Tensor], rows: Tensor) -> dict[str, float]:
    """Recall and verification of some rows, and for emoji recall from one vendor to the other."""
    embeddings, classes = embed(rows), made.examples.columns["targets"][rows]
    found, verified = recall(embeddings, classes, counts=(1, 5)), verification(embeddings, classes)
    figures = {
        "recall@1": found.shares[1],
        "recall@5": found.shares[5],
        "auc": verified.area,
        "tar@1%": verified.true_accepts,
    }
    vendor = torch.tensor([VENDORS[0] in Path(made.examples.name(int(row))).name for row in rows])
    if vendor.any() and not vendor.all():
        across = recall(embeddings[vendor], classes[vendor], embeddings[~vendor], classes[~vendor])
        figures |= {"across@1": across.shares[1], "across@5": across.shares[5]}
    return figures


def main() -> None:
    """Trains both for every seed and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="fields of the recipe of embed")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--on", choices=("validation", "test"), default="test")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--softmax-rate", type=float, nargs="+", default=[0.003])
    parser.add_argument("--only", choices=("triplets", "softmax"))
    parser.add_argument(
        "--folder", type=Path, default=Path("emoji-classes"), help="where emoji get their class folders"
    )
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    values: dict[str, Any] = dict(word.split("=", 1) for word in options.set)
    data = Path(options.data)
    if (data / "annotations" / "A_captions_train.json").is_file():
        data = emoji_folders(data, options.folder)
    lines: dict[str, list[dict[str, float]]] = {}
    for seed in options.seeds:
        made = task({**values, "data": str(data), "seed": seed}, options.threads)
        rows = made.splits.validation if options.on == "validation" else made.splits.test
        ways = {"triplets": lambda made=made: triplets(made)}
        ways |= {f"softmax {rate:g}": lambda made=made, rate=rate: softmax(made, rate) for rate in options.softmax_rate}
        for name, way in ways.items():
            if options.only and not name.startswith(options.only):
                continue
            embed, seconds = way()
            figures = {**measured(made, embed, rows), "seconds": seconds}
            lines.setdefault(name, []).append(figures)
            print(seed, name, {key: round(value, 4) for key, value in figures.items()}, flush=True)
    print(f"\n{describe_machine()}\n")
    keys = list(next(iter(lines.values()))[0])
    print(f"| trained by | {' | '.join(keys)} |\n|{'---|' * (len(keys) + 1)}")
    for name, found in lines.items():
        means = [statistics.mean(figures[key] for figures in found) for key in keys]
        print(f"| {name} | {' | '.join(f'{mean:.3f}' for mean in means)} |")


if __name__ == "__main__":
    main()
