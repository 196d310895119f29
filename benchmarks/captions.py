"""Captions of runs beside that of the nearest training picture, for parts of the pictures and several beams.

    python benchmarks/captions.py RUN ... --by annotations/captions_test.json:unseen_pair
    python benchmarks/captions.py RUN ... --on validation --beams 1 2 4 8 --length-penalties 0.6 1.0

A part is the pictures whose entry in a COCO file has one value of a key. The weights of words in CIDEr are those of a
part's own captions.
"""

import argparse
import json
import statistics
import sys
from pathlib import Path

import torch
from machine import describe_machine, describe_versions

import glasswork as gw
from glasswork.networks.decoding import Beam
from glasswork.objectives.captions import bleu, cider
from glasswork.systems.caption.network import Captioner, FromFeatures
from glasswork.systems.caption.report import nearest_captions
from glasswork.systems.features import features_of, with_features
from glasswork.systems.sequences import answer, references_of

Figures = dict[tuple[str, str], tuple[float, float]]


def figures(texts: list[str], references: list[list[str]]) -> tuple[float, float]:
    """CIDEr-D, and BLEU-4 from 0 to 100."""
    return cider(texts, references), 100 * bleu(texts, references)["bleu4"]


def measure(run: str, options: argparse.Namespace) -> Figures:
    """CIDEr and BLEU-4 of each part and way."""
    model = gw.load(run)
    assert isinstance(model.network, Captioner)
    dataset, splits = model._divided(None)
    assert splits is not None
    rows = splits.test if options.on == "test" else splits.validation
    know = features_of(model.network.trunk, model.network.features, dataset, model.execution)
    near = nearest_captions(know, model.network.maps, splits.training, rows)
    asked, every = with_features(dataset, know).take(rows), torch.arange(len(rows))
    references = references_of(dataset, rows)
    texts = {"nearest picture": [some[0] for some in references_of(dataset, near)]}
    for width in options.beams:
        for penalty in options.length_penalties if width > 1 else options.length_penalties[:1]:
            beam = Beam(width, model.system.recipe.max_length, penalty)
            found = answer(FromFeatures(model.network), asked, every, model.execution, beam, loss=False)
            texts[f"beam of {width}, length penalty {penalty}" if width > 1 else "greedy"] = list(found.texts)
    parts = {"all": every.tolist()}
    if options.by:
        file, _, key = options.by.rpartition(":")
        values = {Path(one["file_name"]).name: one[key] for one in json.loads(Path(file).read_text())["images"]}
        for place, name in enumerate(asked.names):
            parts.setdefault(f"{key} = {values[Path(name).name]}", []).append(place)
    return {
        (f"{part} ({len(places)})", way): figures([said[p] for p in places], [references[p] for p in places])
        for part, places in parts.items()
        for way, said in texts.items()
    }


def main() -> None:
    """Measures and prints a table: the mean over the runs, and each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", metavar="RUN")
    parser.add_argument("--by", metavar="FILE.json:KEY", help="parts of the pictures, by a key of a COCO file")
    parser.add_argument("--on", choices=("test", "validation"), default="test")
    parser.add_argument("--beams", nargs="+", type=int, default=[1, 4], help="widths; 1: greedy")
    parser.add_argument("--length-penalties", nargs="+", type=float, default=[0.6])
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    found = [measure(run, options) for run in options.runs]
    print(f"{describe_machine()}; {describe_versions(sys.executable, ('torch', 'glasswork'))}; {options.on}\n")
    print("| part | way | CIDEr | each | BLEU-4 | each |\n|---|---|---|---|---|---|")
    for key in found[0]:
        cells = []
        for place, digits in ((0, 3), (1, 1)):
            values = [one[key][place] for one in found]
            each = ", ".join(f"{value:.{digits}f}" for value in values)
            cells.append(f"{statistics.mean(values):.{digits}f} | {each}")
        print(f"| {key[0]} | {key[1]} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
