"""The report of heat maps: how they were made, what they show, and what they do not show."""

from pathlib import Path

from PIL import Image

from glasswork.data.pictures import encode_png
from glasswork.glassbox.heat_map import HeatMap, HeatMaps
from glasswork.objectives.froc import FALSE_POSITIVES
from glasswork.report.blocks import Facts, Picture, Pictures, Text
from glasswork.report.report import Report, Section
from glasswork.report.words import percent

WARNING = (
    "The map shows only what the network was trained to distinguish: a network trained on stained against unstained "
    "tissue finds stain, not cancer. It is not a diagnosis."
)


def report_map(found: HeatMap, overlay: bytes = b"") -> Report:
    """The overlay, and how it was made.

    Args:
        found: a map with its small picture.
        overlay: the map over the picture, as PNG; empty: only the summary is looked at.
    """
    name = Path(found.image).name
    title = f"Where {name} looks like '{found.target}'"
    rows, columns = found.values.shape
    facts: list[tuple[str, str | int | float]] = [
        ("picture", f"{found.width:,} x {found.height:,} pixels, level {found.level}"),
        ("map", f"{columns:,} x {rows:,} places, one every {found.stride} pixels"),
        ("patch", f"{found.patch} x {found.patch} pixels"),
        ("each place", _way(found)),
        ("left out as background", percent(found.background)),
        ("tiles", f"{found.tiles:,}, of which {found.skipped:,} were background and not computed"),
        ("peaks of at least 0.5", len(found.finds)),
    ]
    if found.lesions is not None:
        facts += [] if found.area_under_roc is None else [("area under the ROC curve", found.area_under_roc)]
        facts.append(("annotated regions", f"{found.lesions}, found: {_hits(found)}{_unjoined(found)}"))
    over = [Picture(overlay, title)] if overlay else []
    alone = [Picture(encode_png(Image.fromarray(found.picture), small=True), name)] if overlay else []
    return Report(
        title,
        [
            Section("The map", WARNING, [Pictures(over, "The picture, and the map over it", "alone")]),
            Section("How it was made", "Background is bright without colour, or black.", [Facts(facts)]),
            Section("The picture alone", "As it was read.", [Pictures(alone, name, "alone")]),
        ],
        verdict=f"Score of the picture {found.score:.3f}, by the network of {found.run}.",
        summary=_summary(found),
        footer="Drawn by Glasswork; the picture was read and not changed.",
    )


def _summary(found: HeatMap) -> list[Text]:
    rows, columns = found.values.shape
    level = f" at level {found.level}" if found.level else ""
    lines = [
        f"{found.image}: {found.width:,} x {found.height:,} pixels{level}",
        f"map: {columns:,} x {rows:,} places, one every {found.stride} pixels, patches of {found.patch} pixels",
        f"each place: {_way(found)}",
        f"left out as background: {percent(found.background)} of the places; {found.skipped:,} of {found.tiles:,} "
        "tiles were not computed",
        f"the picture's score for '{found.target}' (greatest after smoothing): {found.score:.4f}",
        f"peaks of at least 0.5: {len(found.finds):,}",
        *(f"  at {find.x:,}, {find.y:,}: {find.probability:.3f}" for find in found.finds[:5]),
    ]
    if found.lesions is not None:
        area = "-" if found.area_under_roc is None else f"{found.area_under_roc:.4f}"
        lines.append(f"against the annotation: area under the ROC curve over the places {area}")
        lines.append(f"annotated regions: {found.lesions}, found: {_hits(found)}{_unjoined(found)}")
    return [Text(line) for line in [*lines, WARNING]]


def report_maps(found: HeatMaps) -> list[Text]:
    """What was found on several pictures, in lines."""
    lines = [f"{Path(one.image).name}: score {one.score:.4f}, annotated regions {one.lesions}" for one in found.maps]
    for name, value in (
        ("area under the ROC curve over all places", found.area_under_roc),
        ("area under the ROC curve over the pictures", found.picture_area_under_roc),
    ):
        lines.append(f"{name}: {'-, all are of one kind' if value is None else f'{value:.4f}'}")
    if found.froc is None:
        return [Text(line) for line in [*lines, "FROC: no annotated region counts", WARNING]]
    curve = zip(FALSE_POSITIVES, found.froc.sensitivity, strict=True)
    lines.append(f"FROC over {found.froc.lesions} annotated regions in {found.froc.pictures} pictures:")
    lines += [f"  at {at:g} false positives a picture: {percent(share)} found" for at, share in curve]
    lines.append(f"  mean: {found.froc.mean:.4f}")
    if any(one.micrometres is None for one in found.maps):
        lines.append("  where the size of a pixel is not known, regions are not joined and small ones count")
    return [Text(line) for line in [*lines, WARNING]]


def _way(found: HeatMap) -> str:
    if found.exact:
        return "what the network says about the patch there, exactly"
    return (
        "the network's features of the whole picture, pooled over the patch; patches cut out would have padding at "
        "their borders"
    )


def _hits(found: HeatMap) -> int:
    return 0 if found.matched is None else sum(score > 0 for score in found.matched.hits)


def _unjoined(found: HeatMap) -> str:
    if found.micrometres:
        return ""
    return " (the size of a pixel is not known: regions near each other are not joined, small ones count)"
