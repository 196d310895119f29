"""Opening ResNet-18 on one 224 x 224 image, against a plain forward and backward pass: seconds, and the page's size.

    python benchmarks/open_network.py

Both take turns in one process; the first round of each is not counted. Asked for: under 3 times the plain pass + 2 s,
and a page under 5 MB.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
import torchvision
from machine import describe_machine

from glasswork.glassbox.trace.opening import open_network
from glasswork.show.trace import trace_page


def timed(work: Callable[[], object]) -> tuple[float, object]:
    began = time.perf_counter()
    made = work()
    return time.perf_counter() - began, made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="resnet18", help="of torchvision.models")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--out", type=Path, help="write the table here as Markdown")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    network = getattr(torchvision.models, arguments.network)().eval()
    image, target = torch.randn(1, 3, 224, 224), torch.tensor([3])
    plain, opened, pages = [], [], []
    for _ in range(arguments.rounds + 1):
        plain.append(timed(lambda: F.cross_entropy(network(image), target).backward())[0])
        seconds, trace = timed(lambda: open_network(network, image, target=target))
        opened.append(seconds)
        pages.append(timed(lambda trace=trace: trace_page(trace)))
    before, after = statistics.median(plain[1:]), statistics.median(opened[1:])
    size = len(pages[-1][1].encode()) / 1e6
    lines = [
        f"| {arguments.network} on one 224 x 224 image | median | asked |",
        "|---|---|---|",
        f"| plain forward and backward pass | {before:.3f} s | |",
        f"| opened | {after:.3f} s | under {3 * before + 2:.3f} s |",
        f"| its page | {size:.2f} MB, drawn in {statistics.median(page[0] for page in pages[1:]):.2f} s | under 5 MB |",
        "",
        f"{arguments.rounds} rounds, alternating. {describe_machine()}",
        "",
    ]
    print("\n".join(lines))
    if arguments.out:
        arguments.out.write_text("\n".join(lines))


if __name__ == "__main__":
    main()
