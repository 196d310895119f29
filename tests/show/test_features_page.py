import io
import math
import re
import xml.etree.ElementTree as ElementTree
from base64 import b64decode
from dataclasses import replace
from html.parser import HTMLParser

import pytest
import torch
from PIL import Image as Pillow
from torch import nn

from glasswork.glassbox.attribution import grad_cam, integrated_gradients, saliency
from glasswork.glassbox.diagnose.diagnose import diagnose, report_of
from glasswork.glassbox.features.deconvolution import deconvolution
from glasswork.glassbox.features.features import feature_maps, first_filters, templates
from glasswork.glassbox.features.top_activations import find_most_exciting
from glasswork.glassbox.landscape import Landscape, landscape
from glasswork.glassbox.occlusion import occlusion
from glasswork.glassbox.tensor_summary import image_of
from glasswork.networks.dense import Linear
from glasswork.networks.lenet import LeNet
from glasswork.objectives.losses import cross_entropy
from glasswork.record import Record
from glasswork.report.words import number
from glasswork.show import pictures
from glasswork.show.features_page import SECTIONS, contour, landscape_map, looking_page
from glasswork.show.html import to_html
from glasswork.show.terminal import report_text

NAMES = ("nought", "one", "two <b>", *map(str, range(3, 10)))
ALONE = {"br", "meta", "img", "link", "input", "hr"}


class Page(HTMLParser):
    """Whether every element is closed in order, and what would be loaded from elsewhere."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.sources: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.sources += [value or "" for name, value in attrs if name in {"src", "href"}]
        if tag not in ALONE:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.sources += [value or "" for name, value in attrs if name in {"src", "href"}]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def opened(png: bytes) -> Pillow.Image:
    return Pillow.open(io.BytesIO(png))


@pytest.fixture(scope="module")
def records() -> list[Record]:
    torch.manual_seed(0)
    network, x = LeNet((1, 28, 28), 10).eval(), torch.rand(20, 1, 28, 28)
    labels = torch.arange(20) % 10
    return [
        templates(Linear(784, 10)),
        first_filters(network),
        feature_maps(network, x),
        find_most_exciting(network, x, "convolution_2", 2, 3),
        saliency(network, x[:1], 2),
        grad_cam(network, x[:1], 2),
        integrated_gradients(network, x[:1], 2),
        occlusion(network, x[:1], 2, 7, 7),
        deconvolution(network, x[:1], "convolution_2", 2),
        landscape(network, lambda network: cross_entropy(network(x), labels), points=3),
    ]


def test_every_record_has_a_section_and_the_page_loads_nothing(records):
    assert {type(one) for one in records} == set(SECTIONS)
    html = looking_page("LeNet on <made> images", records, NAMES)
    page = Page(html)
    assert html.count("<section>") == len(records)
    assert all(source.startswith("data:") for source in page.sources)
    assert "<script" not in html and "url(" not in html
    assert "two <b>" in page.text and "LeNet on <made> images" in page.text


def test_the_figures_of_the_records_stand_on_the_page(records):
    text = Page(looking_page("a", records, NAMES)).text
    path, hidden = records[6], records[7]
    assert f"the gap is {number(path.completeness[0].gap)}." in text  # type: ignore[attr-defined]
    assert "Hiding rows" in text and "the score falls from" in text
    assert f"to {number(hidden.worst[0].score)}." in text  # type: ignore[attr-defined]
    assert "convolution_2, the last convolution" in text
    assert "output 2" in Page(looking_page("a", records)).text


def test_every_picture_on_the_page_can_be_opened(records):
    html = looking_page("a", records, NAMES)
    found = re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", html)
    assert len(found) > 60
    assert all(min(opened(b64decode(one)).size) >= 1 for one in found)


def test_a_signed_map_is_blue_above_red_below_and_clear_at_nought():
    drawn = opened(pictures.signed(image_of(torch.tensor([[2.0, -2.0], [1.0, 0.0]]))))
    assert drawn.mode == "RGBA"
    up, down, half, nothing = (drawn.getpixel(place) for place in ((0, 0), (1, 0), (0, 1), (1, 1)))
    assert up == (*pictures.FOR, 255) and down == (*pictures.AGAINST, 255)
    assert half[:3] == pictures.FOR and 120 < half[3] < 136
    assert nothing[3] < 3


def test_a_limit_makes_pictures_comparable():
    drawn = opened(pictures.signed(image_of(torch.tensor([[1.0, 0.0], [0.0, 0.0]])), limit=4.0))
    assert 60 < drawn.getpixel((0, 0))[3] < 68


def test_a_photograph_goes_from_black_to_white_and_in_colour():
    grey = opened(pictures.photograph(image_of(torch.tensor([[-1.0, 3.0], [1.0, 1.0]]))))
    assert [grey.getpixel(place) for place in ((0, 0), (1, 0))] == [0, 255]
    colour = torch.zeros(3, 2, 2)
    colour[0, 0, 1], colour[2, 1, 1] = 1, 1
    drawn = opened(pictures.photograph(image_of(colour)))
    assert [drawn.getpixel(place) for place in ((1, 0), (1, 1), (0, 0))] == [(255, 0, 0), (0, 0, 255), (0, 0, 0)]
    around = opened(pictures.photograph(image_of(colour), around_zero=True))
    assert around.getpixel((0, 0)) == (128, 128, 128)


def test_a_map_of_noughts_and_an_image_of_one_value_can_be_drawn():
    flat = image_of(torch.zeros(4, 4))
    assert opened(pictures.signed(flat)).getpixel((0, 0))[3] == 0
    assert opened(pictures.heat(flat)).getpixel((0, 0))[3] == 0
    assert opened(pictures.photograph(flat)).size == (4, 4)


def test_a_map_of_another_size_is_not_laid_over():
    assert pictures.laid_over(image_of(torch.rand(4, 4)), image_of(torch.rand(3, 3)), two_sided=True) == b""
    over = pictures.laid_over(image_of(torch.rand(1, 4, 4)), image_of(torch.rand(4, 4)), two_sided=True)
    assert opened(over).size == (4, 4)


def test_a_contour_goes_round_a_hill():
    grid = [[math.exp(-((i - 3) ** 2 + (j - 3) ** 2) / 4) for j in range(7)] for i in range(7)]
    segments = contour(grid, 0.5)
    for x1, y1, x2, y2 in segments:
        for x, y in ((x1, y1), (x2, y2)):
            assert math.hypot(x - 3, y - 3) == pytest.approx(math.sqrt(4 * math.log(2)), abs=0.12)
    ends = [
        place for x1, y1, x2, y2 in segments for place in ((round(x1, 6), round(y1, 6)), (round(x2, 6), round(y2, 6)))
    ]
    assert all(ends.count(place) == 2 for place in ends)
    assert contour([[0, 0], [0, 0]], 0.5) == [] and contour([[0, math.nan], [1, 1]], 0.5) == []


def test_a_saddle_is_cut_the_way_its_middle_says():
    assert len(contour([[1, 0], [0, 1]], 0.3)) == len(contour([[1, 0], [0, 1]], 0.7)) == 2
    assert set(contour([[1, 0], [0, 1]], 0.3)) != set(contour([[1, 0], [0, 1]], 0.7))


def test_a_landscape_has_a_square_for_every_loss_and_says_where_it_is_not_finite(records):
    (found,) = (one for one in records if isinstance(one, Landscape))
    broken = replace(found, losses=((math.nan, *found.losses[0][1:]), *found.losses[1:]), not_finite=1)
    drawing = ElementTree.fromstring(landscape_map(broken))
    squares = [one.get("class") for one in drawing.iter("{http://www.w3.org/2000/svg}rect")]
    assert sorted(squares) == ["cell"] * 8 + ["void"]
    assert "At 1 places it is inf or nan" in Page(looking_page("a", [broken])).text
    flat = replace(found, losses=((1.0,) * 3,) * 3, lowest=1.0, highest=1.0)
    assert "nan" not in landscape_map(flat)


@pytest.mark.parametrize("shape", [(5,), (3, 12, 12), (2, 10, 10)])
def test_inputs_of_any_shape_can_be_shown(shape):
    network = nn.Sequential(nn.Flatten(), nn.Linear(math.prod(shape), 4))
    x = torch.randn(2, *shape)
    found = [saliency(network, x, 1), integrated_gradients(network, x, 1), occlusion(network, x, 1, 2, 1)]
    html = looking_page("a", found)
    Page(html)
    assert html.count("<img") >= 2 * 2 * 3


def sick() -> nn.Module:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3))
    with torch.no_grad():
        network[0].bias.fill_(-100)
    return network


def judged(scores: torch.Tensor) -> torch.Tensor:
    return cross_entropy(scores, torch.arange(len(scores)) % 3)


def test_a_diagnosis_as_a_page_marks_the_sick_layer():
    found = diagnose(sick(), torch.randn(32, 6), judged)
    html = to_html(report_of(found, "runs/<sick>"))
    page = Page(html)
    assert re.search(r'<tr class="wrong">\s*<td class="short">1</td>', html)
    assert f"{len(found.findings)} things to fix" in page.text and "runs/<sick>" in page.text
    assert all(one.what in page.text and one.try_this in page.text for one in found.findings)
    assert all(source.startswith("data:") for source in page.sources)


def test_a_diagnosis_as_text_has_the_findings_in_order_and_a_row_for_each_layer():
    found = diagnose(sick(), torch.randn(32, 6), judged)
    lines = report_text(report_of(found, "sick")).splitlines()
    assert lines[0].startswith(f"{len(found.findings)} things to fix on 32 inputs")
    assert [line[3:] for line in lines if re.match(r"\d\. ", line)] == [one.what for one in found.findings]
    (row,) = (line.split() for line in lines if line.startswith("1 ") and "relu" in line)
    assert row[:6] == ["1", "relu", "5", "of", "5", "dead"]
    assert [line.split()[0] for line in lines if "Linear" in line] == ["0", "2", "4"]


def test_a_healthy_network_is_told_so():
    torch.manual_seed(0)
    found = diagnose(nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3)), torch.randn(32, 6), judged)
    assert report_text(report_of(found, "sick")).startswith("nothing found on 32 inputs")
    text = Page(to_html(report_of(found, "fine"))).text
    assert "Nothing found" in text and "All is well" in text
