"""The page of a convolution: complete, whole in itself, and safe whatever the file is called."""

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from glasswork.glassbox.convolve import Convolved, convolve
from glasswork.show.convolve import convolve_page, convolve_text

VOID = {"meta", "link", "img", "br"}


class Page(HTMLParser):
    """The cells of each table by its class, all words, and whether every tag is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tables: list[tuple[str, list[list[tuple[str, str]]]]] = []
        self.words = ""
        self.sources: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.sources += [value for name, value in attrs if name in ("src", "href") and value is not None]
        if tag == "table":
            self.tables.append((found.get("class") or "", []))
        elif tag == "tr":
            self.tables[-1][1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][1][-1].append((found.get("class") or "", ""))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data
        if self.open and self.open[-1] in ("td", "th"):
            style, before = self.tables[-1][1][-1][-1]
            self.tables[-1][1][-1][-1] = style, before + data


def made(channels: int = 1) -> np.ndarray:
    image = np.random.default_rng(3).integers(0, 256, (14, 12, channels))
    return image[..., 0] if channels == 1 else image


def read(words: str) -> float:
    return float(words.removeprefix("= ").replace("\u2212", "-").replace(",", ""))


def test_the_matrix_is_drawn_number_by_number() -> None:
    result = convolve(made(), "sobel-x")
    (matrix,) = (rows for style, rows in Page(convolve_page(result)).tables if style == "matrix")
    head, *lines = matrix
    assert [read(words) for _, words in head[:-1]] == list(result.matrix.pixels)
    assert [[read(words) for _, words in line[:-1]] for line in lines] == [list(row) for row in result.matrix.numbers]
    assert [read(line[-1][1]) for line in lines] == list(result.matrix.results)


def test_the_patch_the_products_and_the_sum_are_shown() -> None:
    result = convolve(made(), "1 0 -1; 2 0 -2; 1 0 -1", cell=(5, 6))
    page = Page(convolve_page(result))
    grids = [[[read(words) for _, words in row] for row in rows] for style, rows in page.tables if "cells" in style]
    for rows in (result.kernels[0].numbers, result.worked.patch, result.worked.terms[0]):
        assert [list(row) for row in rows] in grids
    cells = [cell for style, rows in page.tables if "cells" in style for row in rows for cell in row]
    framed = [words for name, words in cells if "here" in name]
    assert [read(words) for words in framed] == [result.worked.value]
    assert result.worked.symbols in page.words and result.worked.numbers[0] in page.words
    assert result.mapping in page.words and result.remark in page.words


@pytest.mark.parametrize("kernel", ["gradient", "gaussian", "emboss", "1 1 1 1 1 1 1 1"])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("stride", "padding"), [(1, "same"), (2, "valid"), (3, 2)])
def test_every_kernel_gives_a_page_whole_in_itself(kernel: str, channels: int, stride: int, padding: str | int) -> None:
    html = convolve_page(convolve(made(channels), kernel, stride, padding))
    page = Page(html)
    assert all(source.startswith("data:") for source in page.sources)
    assert "<script" not in html and "default-src 'none'" in html
    assert not re.search(r"\b(nan|None)\b", page.words)


def test_padding_is_hatched() -> None:
    page = Page(convolve_page(convolve(made(), "box", cell=(1, 1))))
    grids = [rows for style, rows in page.tables if style == "cells fine"]
    outside = [words for row in grids[0] for name, words in row if "outside" in name]
    assert len(outside) == 6 + 5 and set(outside) == {"0"}
    patches = [
        [name for row in rows for name, _ in row].count("outside") for style, rows in page.tables if "cells" in style
    ]
    assert patches.count(3 + 2) == 1


def test_a_file_name_stays_words(tmp_path: Path) -> None:
    path = tmp_path / "<b>&quot.png"
    Image.fromarray(made().astype(np.uint8)).save(path)
    html = convolve_page(convolve(path, "box"))
    assert "<b>&quot" not in html and "&lt;b&gt;&amp;quot.png" in html


def test_as_text() -> None:
    result = convolve(made(), "gradient", stride=2)
    text = convolve_text(result)
    assert "14x12 pixels" in text and "7x6 numbers" in text
    assert result.worked.symbols in text and all(line in text for line in result.worked.numbers)
    assert f"= {result.worked.value:.6g}" in text
    rows = [line.split() for line in text.splitlines()[-len(result.matrix.numbers) :]]
    assert [[float(word) for word in row] for row in rows] == [list(row) for row in result.matrix.numbers]


def test_a_result_read_back_gives_the_same_page() -> None:
    result = convolve(made(3), "sharpen")
    assert convolve_page(Convolved.from_json(result.to_json())) == convolve_page(result)
