"""What a named metric is, for everything that knows only its name: logs, results, the command line."""

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A metric.

    Attributes:
        words: a template that writes it for people; empty: no one asks for it first.
        share: it is a share of one.
        higher_is_better: of two values.
        error: what one minus it is, in words; empty: it is no share of anything.
    """

    words: str = ""
    share: bool = False
    higher_is_better: bool = False
    error: str = ""


RIGHT = Figure(share=True, higher_is_better=True)
FIGURES = {
    "bits_per_character": Figure("{:.3f} bits per character"),
    "accuracy": Figure("accuracy {:.1%}", True, True, "error rate (1 - accuracy)"),
    "f1": Figure("f1 {:.1%}", True, True),
    "r2": Figure("r2 {:.3f}", False, True, "unexplained variance (1 - R2)"),
    "bleu": Figure("BLEU {:.1f}", False, True),
    "wer": Figure("word error rate {:.1%}", True),
    "cer": Figure("character error rate {:.1%}", True),
    "mae": Figure("mean absolute error {:.4g}"),
    "exact_match": Figure("exact match {:.1%}", True, True),
    "mean_return": Figure("mean return {:.1f}", False, True),
    "cider": Figure("CIDEr {:.3f}", False, True),
    "map50": Figure("mAP at IoU 0.5 {:.1%}", True, True),
    **dict.fromkeys(("chrf", "bleu1", "bleu2", "bleu3", "bleu4"), Figure(higher_is_better=True)),
    **dict.fromkeys(("macro_f1", "top_5_accuracy", "recall_at_1", "recall_at_5"), RIGHT),
    **dict.fromkeys(("map", "map75", "voc_map", "voc07_map", "unmoved_map50"), RIGHT),
}
"""In the order in which they are asked for; any other is an error, of which less is better."""


def name_figure(name: str) -> str:
    """A metric as people call it: `mean absolute error` for `mae`."""
    return re.sub(r"{.*}", "", figure(name).words).strip() or name.replace("_", " ")


def figure(name: str) -> Figure:
    """What is known of a metric."""
    return FIGURES.get(name, Figure())


def main_metric(metrics: Mapping[str, float]) -> str:
    """The name of the figure that people ask for first; `loss` if there is no other."""
    return next((name for name, one in FIGURES.items() if one.words and name in metrics), "loss")


def write_figure(metrics: Mapping[str, float]) -> str:
    """The main figure in words, the loss if there is no other."""
    return write_main(metrics) or (f"loss {metrics['loss']:.4g}" if "loss" in metrics else "no figure")


def write_main(metrics: Mapping[str, float]) -> str:
    """The main figure in words; empty if it is the loss."""
    name = main_metric(metrics)
    return figure(name).words.format(metrics.get(name)).replace("%", " %")
