"""Neural style: gradient descent on the pixels of a picture (Kolter, "Neural style"; Gatys, Ecker and Bethge 2016)."""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from math import ceil
from pathlib import Path

import torch
from torch import Tensor, nn
from typing_extensions import override

from glasswork.data.pictures import as_png
from glasswork.data.summary import Summary
from glasswork.errors import GlassworkError
from glasswork.execution import Execution, seed_everything
from glasswork.files import write_atomically
from glasswork.objectives.style import match_colors
from glasswork.recipe.base import Machine
from glasswork.report.blocks import Picture, Pictures, Table
from glasswork.report.report import Score, Section
from glasswork.systems.attempts import Attempts
from glasswork.systems.process import Outcome, OwnProcess
from glasswork.systems.style.likeness import Goal, Losses, padded
from glasswork.systems.style.looking import (
    eight_bits,
    find_picture,
    lasting,
    make_likeness,
    read_picture,
    resize,
    sides,
)
from glasswork.systems.style.recipe import LEAST_SIDE, StyleRecipe
from glasswork.systems.style.tiling import Needs, choose_tile, estimate_needs
from glasswork.systems.system import Findings
from glasswork.training.lbfgs import LBFGS
from glasswork.training.memory import Memory
from glasswork.training.optimizers import Optimizer
from glasswork.training.stage import Step, Tree

PAINTING, PREVIEW = "painting.png", "preview.png"
PREVIEW_SECONDS = 10.0
HISTORY = 10  # steps that L-BFGS remembers
MOMENTS = {"lbfgs": 2 * HISTORY, "adam": 2}
RATES = {"lbfgs": 1.0, "adam": 0.02}
FEWER = 3  # times as many iterations at each size as at the next larger one


@dataclass(frozen=True)
class Scale:
    """One size of the painting.

    Attributes:
        longer: its longer side in pixels.
        iterations: steps at this size.
    """

    longer: int
    iterations: int


class Style(OwnProcess[StyleRecipe]):
    """Paints a picture whose maps are those of the content, and whose inner products of maps are those of the style.

    Minimises content weight x content loss + style weight x style loss + variation weight x total variation over the
    pixels, at a small size first; each larger one begins with what the one before came to.

    Args:
        recipe: with nothing left open.
        execution: how the arithmetic is carried out.
    """

    def __init__(self, recipe: StyleRecipe, execution: Execution) -> None:
        super().__init__(recipe, execution)
        self.content = read_picture(find_picture(recipe.content))
        self.styles = [read_picture(find_picture(each)) for each in recipe.style]
        if recipe.colors == "content":
            self.styles = [match_colors(each, self.content).clamp(0, 1) for each in self.styles]
        self.likeness = make_likeness(recipe, recipe.tile or 0)
        execution.place(self.likeness.perception.network)
        self.scales = make_scales(recipe, self.content)

    @override
    @classmethod
    def resolve(cls, recipe: StyleRecipe) -> StyleRecipe:
        shares = recipe.shares or (1.0,) * len(recipe.style)
        if len(shares) != len(recipe.style):
            raise GlassworkError(
                f"There are {len(recipe.style)} styles and {len(shares)} shares: give one share for each style"
            )
        if min(shares) <= 0:
            raise GlassworkError(f"The share of a style has to be above 0, not {min(shares):g}: leave out that style")
        content = read_picture(find_picture(recipe.content))
        sides(content, recipe.size)  # refused before the network is loaded
        likeness = make_likeness(recipe, recipe.tile or 0)
        found = {
            "content": lasting(recipe.content),
            "style": tuple(map(lasting, recipe.style)),
            "shares": tuple(share / sum(shares) for share in shares),
            "learning_rate": recipe.learning_rate or RATES[recipe.optimizer],
            "content_layers": likeness.content_layers,
            "style_layers": likeness.style_layers,
        }
        recipe = recipe.model_copy(update=found)
        if recipe.tile is None:
            needs = estimate_needs(likeness, sides(content, recipe.size), MOMENTS[recipe.optimizer])
            recipe = recipe.model_copy(update={"tile": choose_tile(recipe, needs, "cpu")})
        return recipe

    @override
    @classmethod
    def choose_execution(cls, recipe: StyleRecipe, machine: Machine) -> Execution:
        if machine.precision == "bfloat16":
            raise GlassworkError("Gram matrices need float32, and painting takes it: leave out --precision bfloat16")
        chosen = super().choose_execution(recipe, machine)
        return replace(
            chosen,
            memory_format=chosen.memory_format if machine.memory_format == "contiguous" else "channels-last",
            allocator=chosen.allocator if machine.allocator == "default" else "keep",
        )

    @property
    @override
    def total(self) -> int:
        return sum(scale.iterations for scale in self.scales)

    @property
    def _needs(self) -> Needs:
        return estimate_needs(self.likeness, self.size, MOMENTS[self.recipe.optimizer])

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the painting."""
        return sides(self.content, self.recipe.size)

    @cached_property
    @override
    def memory(self) -> Memory:
        return self._needs.memory(self.recipe.tile or 0, self.execution.device)

    @cached_property
    @override
    def summary(self) -> Summary:
        height, width = self.size
        names = ", ".join(Path(each).name for each in self.recipe.style)
        tiles = len(self.likeness.tiles(torch.empty(1, 3, height, width, device="meta")))
        parts = f" in {tiles} tiles of {self.recipe.tile} pixels" if tiles > 1 else ""
        return Summary(
            source=f"{Path(self.recipe.content).name} in the style of {names}",
            counts={"iterations": self.total},
            inputs=f"{width} x {height} pixels{parts}, begun at {self.scales[0].longer}",
            target=f"{PREVIEW} in the run's folder shows the picture as it grows",
            class_counts={},
            imbalance=1.0,
            duplicates=0,
            warnings=(),
            unit="iterations",
        )

    @override
    def next_commands(self, run: str) -> list[tuple[str, str]]:
        return [
            (f"open {run}/{PAINTING}", "the painting"),
            ("glasswork style CONTENT STYLE -o NEW.png --content-weight 0.1", "keeps more of the content"),
            ("glasswork train fast-style --style FILE --data PHOTOS", "learns one style, to paint in a second"),
        ]

    @override
    def steps(self, start: Tree | None, folder: Callable[[], Path]) -> Iterator[Step]:
        digest = self._digest()
        if start is not None and start["pictures"] != digest:
            raise GlassworkError(
                "The pictures have changed since the run was stopped: put them back as they were, or begin again with "
                "glasswork style"
            )
        self.clock.start(0.0 if start is None else start["elapsed"])
        number = 0 if start is None else start["number"]
        picture = None if start is None else start["network"]["picture"]
        shown = time.monotonic()
        ends = list(accumulate(scale.iterations for scale in self.scales))
        for place, (scale, end) in enumerate(zip(self.scales, ends, strict=True), 1):
            if number >= end:
                continue
            goal, content = self._goal(scale.longer)
            resumed = number > end - scale.iterations
            canvas = nn.Parameter(picture.clone() if resumed and picture is not None else self._begin(content, picture))
            rule = LBFGS(canvas, HISTORY) if self.recipe.optimizer == "lbfgs" else Optimizer("adam", [canvas], 0.9, 0.0)
            if resumed and start is not None:
                rule.restore(start["optimizer"])
            while number < end:
                losses, canvas.grad = self.likeness.gradient(canvas.data, goal)
                self._require_finite(losses, number)
                assert self.recipe.learning_rate is not None
                rule.step(self.recipe.learning_rate)
                number += 1
                if number == end or time.monotonic() - shown >= PREVIEW_SECONDS:
                    write_atomically(folder() / PREVIEW, as_png(eight_bits(self._crop(canvas, scale.longer))))
                    shown = time.monotonic()
                tree = {"stage": f"{scale.longer} pixels", "number": number, "best": None, "pictures": digest}
                yield Step(
                    stage=f"{scale.longer} pixels",
                    number=number,
                    epoch=place,
                    epoch_ended=number == end,
                    last=number == ends[-1],
                    progress=self.clock.progress(number - 1),
                    examples=1,
                    loss=losses.total.detach(),
                    penalty=None,
                    learning_rate=self.recipe.learning_rate,
                    gradient_norm=None,
                    judgement=None,
                    best=None,
                    elapsed=self.clock.elapsed(),
                    state=lambda tree=tree, canvas=canvas, rule=rule: {  # type: ignore[misc]
                        **tree,
                        "elapsed": self.clock.elapsed(),
                        "network": {"picture": canvas.detach()},
                        "optimizer": rule.state(),
                    },
                )
            picture = canvas.detach()

    @override
    def finish(self, last: Tree | None, folder: Path, attempts: Attempts) -> Outcome:
        assert last is not None
        painted = eight_bits(self._crop(last["network"]["picture"], self.recipe.size))
        goal, content = self._goal(self.recipe.size)
        seen = padded(painted[None].float() / 255, self.likeness.stride)
        losses, before = self.likeness.measure(seen, goal), self.likeness.measure(content, goal)
        measured = {f"{name}_loss": float(getattr(losses, name)) for name in ("content", "style", "total")}
        rows = [
            (name, f"{getattr(before, key):.4f}", f"{getattr(losses, key):.4f}")
            for name, key in (("content loss", "content"), ("style loss", "style"), ("total variation", "variation"))
        ]
        shown = [Picture(as_png(eight_bits(self.content)), "content")]
        shown += [Picture(as_png(eight_bits(each)), "style") for each in self.styles]
        sections = [
            Section("The painting", "", [Pictures([Picture(as_png(painted), PAINTING)], look="alone")]),
            Section("What it was made of", "", [Pictures(shown)]),
            Section(
                "How near it came",
                "A loss is a squared error in relation to what was wanted: 0 is equal, 1 is a picture of nothing.",
                [Table(("", "the content itself", "the painting"), rows)],
            ),
        ]
        said = f"content loss {measured['content_loss']:.4f}, style loss {measured['style_loss']:.4f}"
        score = Score("style loss", measured["style_loss"], in_percent=False, higher_is_better=False)
        results = {**measured, "width": self.size[1], "height": self.size[0], "remarks": [said]}
        return Outcome(Findings(score, sections, {PAINTING: as_png(painted)}), results)

    def _goal(self, longer: int) -> tuple[Goal, Tensor]:
        """What is wanted at a size, and the content at it."""
        content = self._prepare(resize(self.content, sides(self.content, longer)))
        styles = [self._prepare(resize(each, sides(each, longer))) for each in self.styles]
        return self.likeness.goal(content, styles, self.recipe.shares), content

    def _prepare(self, picture: Tensor) -> Tensor:
        return padded(picture, self.likeness.stride).to(self.execution.device)

    def _begin(self, content: Tensor, picture: Tensor | None) -> Tensor:
        """The picture that a size begins with: the one before, or what the recipe says."""
        if picture is not None:
            return resize(picture.clamp(0, 1), (content.shape[2], content.shape[3]))
        if self.recipe.begin == "content":
            return content.clone()
        seed_everything(self.recipe.seed)
        return torch.rand_like(content)

    def _crop(self, picture: Tensor, longer: int) -> Tensor:
        """The picture without what was added to make its sides multiples of the stride."""
        height, width = sides(self.content, longer)
        return picture[..., :height, :width]

    def _digest(self) -> str:
        digest = hashlib.sha256()
        for picture in (self.content, *self.styles):
            digest.update(picture.numpy().tobytes())
        return digest.hexdigest()

    def _require_finite(self, losses: Losses, number: int) -> None:
        if not torch.isfinite(losses.total):
            raise GlassworkError(
                f"The loss is not a finite number after {number} iterations: the last checkpoint is kept; try "
                "--optimizer adam, or a lower --learning-rate"
            )


def make_scales(recipe: StyleRecipe, content: Tensor) -> Sequence[Scale]:
    """The sizes of the painting, from the coarsest that is asked for, or on which its shorter side is long enough."""
    height, width = content.shape[-2:]
    least = max(recipe.coarse, ceil(LEAST_SIDE * max(height, width) / min(height, width)))
    halves = [recipe.size]
    while halves[0] / 2 >= least:
        halves.insert(0, round(halves[0] / 2))
    if halves[0] > least:
        halves.insert(0, least)
    return [Scale(side, -(-recipe.iterations // FEWER**place)) for place, side in enumerate(halves)]
