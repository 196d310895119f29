"""Neural style beside a plain PyTorch port of Gatys et al. with the same network, layers, losses and optimizer.

    python benchmarks/style_speed.py --size 512 --iterations 300

The port is as PyTorch's tutorial has it: the network in evaluation mode without gradients of its weights, cut after
the last layer that is needed, maps collected on the way, Gram matrices by one matrix product, `torch.optim.LBFGS`.
Ours is `glasswork style`. Both paint at the full size and take turns in pieces of `--piece` iterations; the median of
the seconds per iteration counts. Losses are compared at equal iteration. Then ours paints from coarse to fine, until
its total loss is as low as that of the whole painting at full size, and the seconds of both are compared. Asked: 1.5
times as fast, losses within 1 %, and at most half the time.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from machine import describe_machine
from torch import Tensor

from glasswork.execution import Execution, keep_memory
from glasswork.networks.efficientnet_lite import EfficientNetLite, InvertedResidual
from glasswork.networks.weights import LITE0_SCALING
from glasswork.systems.style.looking import resize, sides
from glasswork.systems.style.recipe import StyleRecipe
from glasswork.systems.style.system import HISTORY, Style
from glasswork.systems.supervised.system import published
from glasswork.training.stage import Clock, Step

BLOCKS = 8
PLAIN, OURS = "plain PyTorch", "glasswork"


@dataclass
class Timed:
    """Iterations of one way: seconds and total loss of each."""

    seconds: list[float]
    losses: list[float]


def plain_maps(network: EfficientNetLite, picture: Tensor) -> list[Tensor]:
    """The maps of the layers of the style, in the order of the recipe's; the last is the content's too."""
    mean, deviation = (torch.tensor(each).view(1, 3, 1, 1) for each in LITE0_SCALING)
    maps = F.relu6(network._bn0(network._conv_stem((picture - mean) / deviation)))
    found = [maps]
    for block in list(network._blocks)[:BLOCKS]:
        assert isinstance(block, InvertedResidual)
        wide = maps
        if block._expand_conv is not None and block._bn0 is not None:
            wide = F.relu6(block._bn0(block._expand_conv(maps)))
            found.append(wide)
        wide = F.relu6(block._bn1(block._depthwise_conv(wide)))
        found.append(wide)
        narrow = block._bn2(block._project_conv(wide))
        maps = narrow + maps if block.adds else narrow
    return found


def plain_gram(maps: Tensor) -> Tensor:
    flat = maps.flatten(2)[0]
    return flat @ flat.T / flat.shape[1]


def plain(content: Tensor, style: Tensor, recipe: StyleRecipe) -> Iterator[float]:
    """The port; total losses, one per iteration."""
    network, _, _ = published("efficientnet-lite0")
    assert isinstance(network, EfficientNetLite)
    network.requires_grad_(False)
    with torch.no_grad():
        wanted, grams = plain_maps(network, content)[-1], [plain_gram(maps) for maps in plain_maps(network, style)]
    picture = content.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([picture], max_iter=1, history_size=HISTORY)
    while True:
        optimizer.zero_grad()
        maps = plain_maps(network, picture)
        of_content = F.mse_loss(maps[-1], wanted) / wanted.square().mean()
        of_style = torch.stack(
            [F.mse_loss(plain_gram(one), gram) / gram.square().mean() for one, gram in zip(maps, grams, strict=True)]
        ).mean()
        down, across = picture[..., 1:, :] - picture[..., :-1, :], picture[..., 1:] - picture[..., :-1]
        variation = down.square().mean() + across.square().mean()
        loss = recipe.content_weight * of_content + recipe.style_weight * of_style + recipe.variation_weight * variation
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step(lambda loss=loss: loss)  # type: ignore[arg-type,misc]
        yield loss.item()


def ours(recipe: StyleRecipe, execution: Execution, folder: Path) -> Iterator[Step]:
    resolved = Style.resolve(recipe)
    process = Style(resolved, execution)
    process.clock = Clock(process.total)
    return process.steps(None, lambda: folder)


def take(ways: dict[str, Iterator[float]], iterations: int, piece: int) -> dict[str, Timed]:
    """Lets the ways take turns; the port with the C library's own handling of freed memory, as it would have alone."""
    found = {name: Timed([], []) for name in ways}
    for _ in range(0, iterations, piece):
        for name, steps in ways.items():
            keep_memory(name == OURS)
            for _ in range(piece):
                began = time.perf_counter()
                found[name].losses.append(next(steps))
                found[name].seconds.append(time.perf_counter() - began)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--content", default="china")
    parser.add_argument("--style", default="flower")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--iterations", type=int, default=300)
    parser.add_argument("--piece", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    recipe = StyleRecipe.parse(
        {
            "content": options.content,
            "style": (options.style,),
            "size": options.size,
            "coarse": options.size,
            "iterations": options.iterations + options.piece,
        }
    )
    execution = Execution("cpu", options.threads, memory_format="channels-last", allocator="keep")
    execution.apply()
    prepared = Style(Style.resolve(recipe), execution)
    content, style = (
        prepared._prepare(resize(each, sides(each, options.size))) for each in (prepared.content, prepared.styles[0])
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ways = {
            PLAIN: plain(content, style, recipe),
            OURS: (float(step.loss) for step in ours(recipe, execution, folder)),
        }
        found = take(ways, options.iterations, options.piece)
        medians = {name: statistics.median(each.seconds[options.piece :]) for name, each in found.items()}
        pairs = zip(found[PLAIN].losses, found[OURS].losses, strict=True)
        apart = max(abs(mine - theirs) / theirs for theirs, mine in pairs)
        keep_memory(True)
        coarse = recipe.model_copy(update={"coarse": min(256, options.size // 2), "iterations": options.iterations})
        aim, began, reached = found[OURS].losses[-1], time.perf_counter(), None
        for step in ours(coarse, execution, folder):
            if step.stage == f"{options.size} pixels" and float(step.loss) <= aim:
                reached = time.perf_counter() - began
                break
    print(f"| {options.size} pixels, {options.iterations} iterations | seconds per iteration | total loss |")
    print("|---|---|---|")
    for way, seconds in medians.items():
        print(f"| {way} | {seconds:.3f} | {found[way].losses[-1]:.5f} |")
    ratio = medians[PLAIN] / medians[OURS]
    print(f"Faster by {ratio:.2f}; losses differ by {100 * apart:.2f} % at most.")
    whole = sum(found[OURS].seconds)
    said = f"{reached:.1f} s, {reached / whole:.2f} of" if reached else "not reached;"
    print(f"From coarse to fine to the same total loss: {said} {whole:.1f} s.")
    print(describe_machine())


if __name__ == "__main__":
    main()
