"""What a picture costs R-CNN and Fast R-CNN at test: python benchmarks/rcnn.py FOLDER [PICTURES [SEGMENT_SIZE]].

Seconds of the processor on one thread, from the scaled picture to rated and moved regions; selective search, which both
need, is timed by itself. Time does not depend on the weights, so that fresh networks are measured.
"""

import sys
import time

import torch

from glasswork.catalogue import make_system
from glasswork.execution import Execution
from glasswork.run.request import make_request
from glasswork.systems.rcnn.proposals import SelectiveSearch, search_picture
from glasswork.systems.rcnn.regions import rate_with, rows_of


def main(folder: str, pictures: int = 4, segment_size: int = 150) -> None:
    torch.set_num_threads(1)
    seconds = {}
    for preset in ("rcnn", "fast-rcnn"):
        asked = make_request(preset, {"data": folder, "segment_size": segment_size})
        system = make_system(asked.system, asked.recipe)
        dataset = system.read(folder)
        rows = torch.linspace(0, len(dataset) - 1, pictures).long()
        dataset = dataset.with_task(system.fit(dataset, rows))
        rate = rate_with(system.network(dataset.task), dataset, Execution())
        regions = [rows_of(dataset, "proposals", row) for row in rows.tolist()]
        rate(int(rows[0]), regions[0][:20])
        began = time.process_time()
        for row, own in zip(rows.tolist(), regions, strict=True):
            rate(row, own)
        seconds[preset] = (time.process_time() - began) / pictures
    began = time.process_time()
    for row in rows.tolist():
        search_picture(dataset, row, SelectiveSearch("fast", segment_size, 2000))
    searched = (time.process_time() - began) / pictures
    count = sum(map(len, regions)) / pictures
    print(f"{pictures} pictures of {folder}, {count:.0f} regions each; seconds of a picture:")
    print(f"rcnn {seconds['rcnn']:.2f}   fast-rcnn {seconds['fast-rcnn']:.3f}   selective search {searched:.2f}")
    print(f"fast-rcnn is {seconds['rcnn'] / seconds['fast-rcnn']:.1f} times as fast, without the search")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
