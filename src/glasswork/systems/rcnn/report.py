"""Pictures with boxes, the four stages from a picture to its boxes, and how good boxes are beside the baselines."""

from collections.abc import Sequence

import torch
from PIL import Image, ImageDraw
from torch import Tensor

from glasswork.data.dataset import Dataset
from glasswork.data.pictures import encode_png
from glasswork.data.prediction import BoxFound, Prediction
from glasswork.execution import Execution
from glasswork.objectives.detection import Detections, mean_average_precision
from glasswork.report.blocks import Bars, Block, Picture, Pictures, Remark, Table
from glasswork.report.report import Score, Section
from glasswork.report.words import percent
from glasswork.systems.evaluation import Evaluation, measured_rows
from glasswork.systems.rcnn.baselines import BASELINES, baseline_detections
from glasswork.systems.rcnn.network import Detector, pool_regions
from glasswork.systems.rcnn.recipe import DetectionRecipe
from glasswork.systems.rcnn.regions import Found, Rate, describe_with, detect, rate_with, rows_of, truth_of
from glasswork.systems.system import Context, Findings

SURE = 0.5
"""Score from which on a box is answered and drawn."""
SHOWN, PROPOSALS_SHOWN, REGIONS_SHOWN = 12, 200, 8
THUMBNAIL, LONGEST = 72, 480
COLOURS = ("#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4", "#008080", "#9a6324", "#808000", "#000075", "#f032e6")
TRUE = "#ffffff"

Drawn = tuple[Tensor, str, str]
"""A box, its colour, and what is written at it."""


def predict_boxes(
    network: Detector, dataset: Dataset, execution: Execution, recipe: DetectionRecipe
) -> list[Prediction]:
    """The boxes of each picture in its own pixels, and the four stages that lead to them."""
    rate, found = rate_with(network, dataset, execution), []
    for row in range(len(dataset)):
        moved = detect(dataset, torch.tensor([row]), rate, recipe.overlap)[0][0]
        boxes = _boxes_of(dataset, row, moved)
        answer = tuple(box.name for box in boxes)
        blocks = show_stages(network, dataset, row, execution, moved)
        found.append(Prediction(dataset.name(row), answer, None, {}, boxes=boxes, evidence=blocks))
    return found


def _boxes_of(dataset: Dataset, row: int, moved: Detections) -> list[BoxFound]:
    """The sure boxes in the picture's own pixels."""
    names, sure = dataset.task.target.names, _sure(moved)
    scale = (dataset.columns["sizes"][row] / dataset.columns["extents"][row]).flip(0).repeat(2)
    corners = (sure.boxes * scale).tolist()
    return [
        BoxFound(names[number], score, *(round(at, 2) for at in box))
        for box, number, score in zip(corners, sure.classes.tolist(), sure.scores.tolist(), strict=True)
    ]


def _sure(found: Detections) -> Detections:
    kept = found.scores >= SURE
    return Detections(found.boxes[kept], found.classes[kept], found.scores[kept])


def show_stages(network: Detector, dataset: Dataset, row: int, execution: Execution, moved: Detections) -> list[Block]:
    """The slide's figure on one picture: the picture, its proposals, warped regions with their features, classes."""
    proposals, names = rows_of(dataset, "proposals", row), dataset.task.target.names
    rates, _ = rate_with(network, dataset, execution)(row, proposals)
    best = rates.max(1)
    chosen = best.values.argsort(descending=True, stable=True)[:REGIONS_SHOWN]
    features = describe_with(network, dataset, execution)(row, proposals[chosen])
    image = dataset.columns["inputs"][row : row + 1].float()
    warped = pool_regions(image, proposals[None, chosen], network.side, THUMBNAIL, largest=False)[0].transpose(0, 1)
    regions, most = [], float(features.abs().max()) or 1.0
    for place, which in enumerate(chosen.tolist()):
        top = rates[which].topk(min(3, len(names)))
        said = [
            Remark(f"{names[number]} ", f"{score:.2f}") for score, number in zip(*map(Tensor.tolist, top), strict=True)
        ]
        regions.append(
            Picture(_beside_features(warped[place], features[place].abs() / most), f"region {place + 1}", said)
        )
    grey = [(box, "#888888", "") for box in proposals[:PROPOSALS_SHOWN].flip(0)]
    first = [(box, COLOURS[0], "") for box in proposals[chosen]]
    marked = _marked(moved, names)
    counted = f"{len(proposals):,} regions"
    whole = [
        Picture(draw(dataset, row, []), "1. input"),
        Picture(draw(dataset, row, [*grey, *first]), "2. region proposals", [Remark(f"{counted}, red: the surest")]),
    ]
    units = f"4. what each region shows: below it the sizes of its {features.shape[1]:,} features"
    last = Picture(draw(dataset, row, marked), "boxes", [Remark(f"{len(marked)} after non-maximum suppression")])
    return [
        Pictures(whole, look="figures"),
        Pictures(regions, f"3. warped regions and their features; {units[3:]}", look="gallery"),
        Pictures([last], "4. classification: the sure boxes, moved and suppressed", look="figures"),
    ]


def _marked(found: Detections, names: Sequence[str]) -> list[Drawn]:
    sure = _sure(found)
    return [
        (box, COLOURS[number % len(COLOURS)], f"{names[number]} {score:.2f}")
        for box, number, score in zip(sure.boxes, sure.classes.tolist(), sure.scores.tolist(), strict=True)
    ]


def draw(dataset: Dataset, row: int, boxes: Sequence[Drawn]) -> bytes:
    """A picture with boxes, as PNG."""
    height, width = dataset.columns["extents"][row].tolist()
    pixels = dataset.columns["inputs"][row][:, :height, :width].permute(1, 2, 0)
    scale = max(1, LONGEST // max(height, width))
    image = Image.fromarray(pixels.contiguous().numpy()).resize((width * scale, height * scale))
    pen = ImageDraw.Draw(image)
    for box, colour, words in boxes:
        left, top, right, bottom = (scale * float(at) for at in box)
        pen.rectangle((left, top, max(left, right - 1), max(top, bottom - 1)), outline=colour, width=2 if words else 1)
        if words:
            place = (left + 2, max(0.0, top - 12))
            pen.rectangle(pen.textbbox(place, words), fill=colour)
            pen.text(place, words, fill="white")
    return encode_png(image)


def _beside_features(region: Tensor, features: Tensor) -> bytes:
    """A warped region, and below it its features as rows of pixels, dark where they are large."""
    rows = -(-len(features) // THUMBNAIL)
    padded = torch.zeros(rows * THUMBNAIL)
    padded[: len(features)] = features
    shades = (255 * (1 - padded)).view(1, rows, THUMBNAIL).expand(3, -1, -1)
    pixels = torch.cat([region, torch.full((3, 2, THUMBNAIL), 255.0), shades], 1).clamp(0, 255).to(torch.uint8)
    return encode_png(Image.fromarray(pixels.permute(1, 2, 0).contiguous().numpy()))


def report_boxes(
    recipe: DetectionRecipe, network: Detector, evaluation: Evaluation[Found], context: Context, rate: Rate
) -> Findings:
    """What is said about boxes.

    Args:
        recipe: that was followed.
        network: that was trained.
        evaluation: the boxes of the rows that are measured on.
        context: what was trained on.
        rate: rates the regions of a row.
    """
    dataset, rows, where = context.dataset, evaluation.rows, measured_rows(context.splits)[0]
    names, truth, outputs = dataset.task.target.names, truth_of(dataset, rows), evaluation.outputs
    ways: dict[str, Sequence[Detections]] = {"this network": outputs.moved, "without moving boxes": outputs.proposed}
    if recipe.baselines:
        for name, describe in BASELINES.items():
            ways[name] = baseline_detections(describe(context), context, rows, recipe)
    each = {way: mean_average_precision(found, truth, len(names)) for way, found in ways.items()}
    area = {
        way: mean_average_precision(found, truth, len(names), "voc")["ap50"].nanmean() for way, found in ways.items()
    }
    cells = [
        (way, percent(float(one["ap50"].nanmean())), percent(float(area[way])), percent(float(one["ap"].nanmean())))
        for way, one in each.items()
    ]
    table = Table(("", "mAP at IoU 0.5", "by VOC's area", "mAP from 0.5 to 0.95"), cells, noun="ways")
    classes = [(name, float(value)) for name, value in zip(names, each["this network"]["ap50"], strict=True)]
    step = max(1, len(rows) // SHOWN)
    pictures = []
    for place in range(0, len(rows), step)[:SHOWN]:
        true = [(box, TRUE, "") for box in truth[place].boxes]
        png = draw(dataset, int(rows[place]), [*true, *_marked(outputs.moved[place], names)])
        pictures.append(Picture(png, dataset.name(int(rows[place]))))
    baselines = {way: float(each[way]["ap50"].nanmean()) for way in BASELINES if way in each}
    best = max(baselines, key=lambda way: baselines[way]) if baselines else ""
    score = Score("map50", evaluation.metrics.values["map50"], baseline=best, baseline_value=baselines.get(best))
    sections = [
        Section("Boxes", f"Average precision on {len(rows):,} {where} pictures, the mean over classes.", [table]),
        Section("Classes", "Average precision at IoU 0.5.", [Bars("", classes, noun="classes", in_percent=True)]),
        Section(
            "Pictures", "White: what people marked. Coloured: what was found.", [Pictures(pictures, look="figures")]
        ),
        Section(
            "From a picture to its boxes",
            "The four stages on one picture; your own: glasswork predict RUN PICTURE --out page.html.",
            show_stages(network, dataset, int(rows[0]), context.execution, outputs.moved[0]),
        ),
    ]
    results = {f"baseline_{way.replace(' ', '_')}_map50": value for way, value in baselines.items()}
    return Findings(score, sections, results=results)
