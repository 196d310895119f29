"""The functions of the lectures as curves: activations with their derivatives, losses over the margin, schedules."""

from collections.abc import Callable

import torch
from torch import Tensor

from glasswork.networks.activations import ACTIVATIONS
from glasswork.objectives.losses import binary_cross_entropy, cross_entropy, hinge, squared_error
from glasswork.report.blocks import Curves, Hue, Line, Text
from glasswork.report.report import Report, Section
from glasswork.training.optimizers import SCHEDULES

REACH, STEPS = 4, 20
"""How far the horizontal axis goes on either side of 0, and points for each unit of it."""
FOOTER = "Drawn by Glasswork from the functions that it trains with."


HUES: tuple[Hue | int, ...] = ("first", "second", "third", "fourth", 3)


def _axis() -> Tensor:
    return torch.arange(-REACH * STEPS, REACH * STEPS + 1, dtype=torch.float64) / STEPS


def _line(name: str, across: Tensor, up: Tensor, place: int = 0) -> Line:
    return Line(name, list(zip(across.tolist(), up.tolist(), strict=True)), HUES[place])


def activation_charts() -> Report:
    """z = h(a) and dh/da of every activation of one number (Kovashka, 'Activation functions')."""
    across = _axis()
    charts = []
    for name, activation in ACTIVATIONS.items():
        if activation.pieces > 1:
            continue
        unit = activation.build()
        lines = [_line("h(a)", across, unit(across))]
        if name != "threshold":  # whose slope is 0, and which refuses to be trained
            signal = across.clone().requires_grad_()
            lines.append(_line("h′(a)", across, torch.autograd.grad(unit(signal).sum(), signal)[0], 1))
        charts.append(Curves(name, lines, across="a", logarithmic=False))
    reading = (
        "What a unit answers, z = h(a), for the sum a that reaches it, and the slope h′(a) by which the error is "
        "multiplied on its way back. Where the slope is near 0, little of the error comes through."
    )
    return Report("Activation functions", [Section("h and h′", reading, charts)], footer=FOOTER)


def loss_charts() -> Report:
    """Losses of two classes over the margin s_right - s_wrong (Kovashka, 'Hinge loss', 'Softmax')."""
    across = _axis()
    scores, right = torch.stack([across / 2, -across / 2], 1), torch.zeros(1, dtype=torch.int64)
    lines = [
        _line(name, across, torch.stack([loss(row[None], right) for row in scores]), place)
        for place, (name, loss) in enumerate(
            (
                ("cross-entropy", cross_entropy),
                ("hinge", hinge),
                ("binary cross-entropy, summed", binary_cross_entropy),
                ("squared error", squared_error),
            )
        )
    ]
    reading = (
        "The loss of one example of two classes whose scores are m/2 for the right class and -m/2 for the other. The "
        "hinge loss is 0 from a margin of 1 on; cross-entropy never is; the squared error also punishes a margin that "
        "is too large."
    )
    chart = Curves("loss over the margin", lines, across="margin m", logarithmic=False, wide=True)
    return Report("Losses", [Section("Over the margin", reading, [chart])], footer=FOOTER)


def schedule_charts() -> Report:
    """The learning rate from the first step to the last, as a share of its peak."""
    across = torch.arange(8 * STEPS + 1, dtype=torch.float64) / (8 * STEPS)
    lines = [
        Line(name, [(share, schedule(share)) for share in across.tolist()], hue)
        for hue, (name, schedule) in zip(HUES, SCHEDULES.items(), strict=True)
    ]
    chart = Curves("learning rate over the training", lines, across="share of all steps", logarithmic=False, wide=True)
    reading = "The learning rate, as a share of the one that is asked for, from the first step to the last."
    advice = Text("Choose one with --schedule; the range test is what glasswork rate does.")
    over = Section("Over the training", reading, [chart, advice])
    return Report("Schedules of the learning rate", [over], footer=FOOTER)


CHARTS: dict[str, Callable[[], Report]] = {
    "activations": activation_charts,
    "losses": loss_charts,
    "schedules": schedule_charts,
}
