"""How the user's words are made safe for HTML and SVG, and the templates of the pages."""

import base64
import hashlib
import html
import re
import struct
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from glasswork.report.words import number, percent
from glasswork.show import palette

# XML has no way to write these, not even escaped; a lone surrogate comes from a file name that is not UTF-8.
_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Pictures up to this many pixels wide are enlarged, so that a digit's pixels stay pixels.
TINY_PICTURE = 96


def escape(words: object) -> str:
    """`words` made safe for HTML and SVG, in content and in attributes."""
    return html.escape(_UNWRITABLE.sub("\ufffd", str(words)), quote=True)


def writable(value: object) -> object:
    """What a template writes: words without the characters that no page can hold; the template escapes them."""
    return value if isinstance(value, Markup) else _UNWRITABLE.sub("\ufffd", str(value))


@cache
def environment() -> Environment:
    """The templates, in which everything is escaped that is not markup of our own."""
    templates = Environment(
        loader=PackageLoader("glasswork.show"),
        autoescape=True,
        finalize=writable,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"number": number, "percent": percent, "image": image}
    return templates


def render(template: str, **values: Any) -> Markup:
    """A template with its values put in."""
    return Markup(environment().get_template(template).render(values))


def macro(template: str, name: str, *values: object) -> Markup:
    """A macro of a template with its values put in."""
    drawn: str = getattr(environment().get_template(template).module, name)(*values)
    return Markup(drawn.strip())


@cache
def asset(name: str) -> str:
    """A style sheet or a script of the pages."""
    return files("glasswork.show").joinpath(name).read_text(encoding="utf-8")


def image(data: bytes, name: str) -> Markup:
    """PNG or GIF bytes as an `<img>` that needs no file; small ones are enlarged with hard edges."""
    kind = "gif" if data[:3] == b"GIF" else "png"
    # Width and height stand at fixed places in every GIF, and in the first chunk of every PNG.
    order, at, least = ("<HH", 6, 10) if kind == "gif" else (">II", 16, 24)
    width, height = struct.unpack(order, data[at:least]) if len(data) >= least else (0, 0)
    size = "tiny" if max(width, height) <= TINY_PICTURE else "photo"
    flat = "flat " if height == 1 and width > 1 else ""
    source = base64.b64encode(data).decode("ascii")
    return Markup(f'<img class="{flat}{size}" src="data:image/{kind};base64,{source}" alt="{escape(name)}">')


def document(title: str, body: str, *, footer: str, style: str = "", script: str = "", kind: str = "") -> str:
    """A whole HTML page around `body`, with the style sheet inside it.

    Args:
        title: of the page.
        body: HTML.
        footer: one sentence under it, as text.
        style: more rules of CSS, after those of every page.
        script: the one script that may run; nothing else can.
        kind: class of the page's content, for its own style.
    """
    page = render(
        "document.html",
        title=title,
        body=Markup(body),
        footer=footer,
        style=Markup(palette.style_sheet() + asset("page.css") + style),
        script=Markup(script),
        digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
        kind=kind,
    )
    return str(page)
