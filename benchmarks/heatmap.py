"""A heat map in one fully convolutional pass against the same network applied to every patch; and the stained tissue.

python benchmarks/heatmap.py --data PATH/stained-tissue
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from machine import describe_machine, describe_versions

from glasswork.glassbox.fully_convolutional import fully_convolutional
from glasswork.networks.patchnet import PatchNet

SIDE, PATCH = 1024, 64


def passes() -> tuple[float, float]:
    """Seconds for one map of a picture: slid in one pass, and patch by patch in batches."""
    network = PatchNet((3, PATCH, PATCH), 2).eval()
    sliding = fully_convolutional(network, (3, PATCH, PATCH))
    image = torch.rand(1, 3, SIDE, SIDE)
    with torch.inference_mode():
        started = time.perf_counter()
        scores = sliding(image)
        slid = time.perf_counter() - started
        places = image.unfold(2, PATCH, sliding.stride[0]).unfold(3, PATCH, sliding.stride[1])
        patches = places.permute(0, 2, 3, 1, 4, 5).flatten(0, 2)
        started = time.perf_counter()
        answers = torch.cat([network(part) for part in patches.split(256)])
        apart = time.perf_counter() - started
    torch.testing.assert_close(scores[0].flatten(1).T, answers, atol=1e-5, rtol=1e-5)
    return slid, apart


def said(*words: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-m", "glasswork", *words, "--json"], capture_output=True, text=True, check=True
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found


def stained(data: Path, folder: Path) -> list[str]:
    """Lines of the table: trained on the annotated regions and on the grey patches, 2 minutes each."""
    lines = []
    for name in (".", "patches_grey"):
        run = folder / f"run-{Path(name).name}"
        result = said("train", "heatmap", "--data", str(data / name), "--budget", "2m", "--out", str(run))
        test = result["test"]
        assert isinstance(test, dict)
        lines.append(f"| patches of `{name}` | area under the ROC curve {test['area_under_roc']:.4f} |")
    slide = said(
        *("heatmap", str(folder / "run-"), str(data / "slide_test.tif")), "--mask", str(data / "slide_test_mask.tif")
    )
    return [*lines, f"| places of slide_test.tif | area under the ROC curve {slide['area_under_roc']:.4f} |"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder stained-tissue")
    options = parser.parse_args()
    slid, apart = passes()
    print("| what | figure |\n|---|---|")
    print(f"| {SIDE} x {SIDE} pixels, patches of {PATCH}, one pass | {slid:.2f} s |")
    print(f"| the same patch by patch | {apart:.2f} s ({apart / slid:.1f} times as long) |")
    with tempfile.TemporaryDirectory() as folder:
        print("\n".join(stained(options.data, Path(folder))))
    print(describe_machine())
    print(describe_versions(sys.executable, ["glasswork", "torch", "openslide-python"]))


if __name__ == "__main__":
    main()
