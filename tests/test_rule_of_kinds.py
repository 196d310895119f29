"""No line asks what kind of data it has: what depends on a kind stands in the kind's own file."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import glasswork
from glasswork.data.kinds.kind import Inputs, Target
from glasswork.data.kinds.task import INPUTS, TARGETS

SOURCE = Path(glasswork.__file__).parent
CLASSES = {kind.__name__ for kind in (*INPUTS.values(), *TARGETS.values())}
WORDS = {*INPUTS, *TARGETS, *(kind.word for kind in (*INPUTS.values(), *TARGETS.values()))}
ASKED = {"inputs", "target", "tag", "word"}, {"inputs", "target", "tag", "word", "kind", "target_kind"}
"""What a kind, or its name, is called as an attribute and as a variable; columns of a table have a `kind` too."""
PROPERTIES = {"several", "written", "inside"}
"""What is true of a kind or not, and has nothing to do with which one it is."""


def name_of(node: ast.AST) -> str:
    """The last name of an expression such as `dataset.task.inputs` or `target_kind`; empty if it has none."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def words_in(node: ast.AST) -> set[str]:
    """The strings of a literal, or of a set, tuple or list of literals."""
    parts = node.elts if isinstance(node, ast.Set | ast.Tuple | ast.List) else [node]
    return {part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)}


def imported(tree: ast.AST) -> set[str]:
    """Names that a file takes from elsewhere, such as the blocks of a report, which are tables and texts too."""
    return {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and not (node.module or "").startswith("glasswork.data.kinds")
        for alias in node.names
    }


def asks_for_images(test: ast.AST) -> bool:
    """Whether a condition looks at the shape of images, which other kinds do not have."""
    return any(name_of(part) == "image_shape" for part in ast.walk(test))


def asks(node: ast.AST, classes: set[str]) -> bool:
    """Whether a piece of code tells kinds apart, `classes` being what they are called there."""

    def classes_in(part: ast.AST) -> set[str]:
        return {name_of(one) for one in ast.walk(part)} & classes

    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        asked = any(name_of(side) in ASKED[isinstance(side, ast.Name)] for side in sides)
        by_word = asked and any(words_in(side) & WORDS for side in sides)
        by_class = any(isinstance(one, ast.Is | ast.IsNot) for one in node.ops) and any(map(classes_in, sides))
        return by_word or by_class
    if isinstance(node, ast.Call) and name_of(node.func) in {"isinstance", "issubclass"}:
        return bool(classes_in(node.args[1]))
    if isinstance(node, ast.If | ast.IfExp | ast.While) and asks_for_images(node.test):
        return True
    if isinstance(node, ast.Dict):
        keys = [key for key in node.keys if key is not None]
        return len([key for key in keys if classes_in(key) or words_in(key) & WORDS]) > 1 and all(
            classes_in(key) or words_in(key) & WORDS for key in keys
        )
    return isinstance(node, ast.MatchClass) and bool(classes_in(node.cls))


def offenders(source: str) -> Iterator[int]:
    """The lines that tell kinds apart."""
    tree = ast.parse(source)
    classes = CLASSES - imported(tree)
    for node in ast.walk(tree):
        if asks(node, classes):
            yield node.lineno  # type: ignore[attr-defined]


def test_no_line_outside_of_data_kinds_asks_what_kind_it_has() -> None:
    found: Counter[str] = Counter()
    for file in sorted(SOURCE.rglob("*.py")):
        place = file.relative_to(SOURCE)
        if place.parts[:2] != ("data", "kinds"):
            found[str(place)] += len(list(offenders(file.read_text(encoding="utf-8"))))
    assert not {file: count for file, count in found.items() if count}


@pytest.mark.parametrize("base", [Inputs, Target])
def test_a_kind_has_no_flag_that_tells_it_from_others(base: type) -> None:
    """A flag on every kind, such as `numeric`, is its name by another name; methods are what differs."""
    flags = {name for name, value in vars(base).items() if isinstance(value, bool)}
    for kind in (*INPUTS.values(), *TARGETS.values()):
        flags |= {name for name, value in vars(kind).items() if isinstance(value, bool) and not name.startswith("_")}
    assert flags <= PROPERTIES


def test_what_counts_as_asking() -> None:
    asking = (
        "task.inputs == 'image'",
        "target_kind in {'next', 'ahead'}",
        "isinstance(task.inputs, Images)",
        "isinstance(x, (Table, Text))",
        "type(task.target) is kinds.OneClass",
        "{'image': 1, 'text': 2}",
        "{Images: 1, Table: 2}",
        "x if task.inputs.image_shape is None else y",
    )
    for line in asking:
        assert list(offenders(line)) == [1], line
    for line in (
        "inputs == 3",
        "shape = task.inputs.image_shape",
        "{'name': 'image'}",
        "Images((1, 2, 3))",
        "unit == 'numbers'",
    ):
        assert not list(offenders(line)), line
    assert not list(offenders("from glasswork.report.blocks import Table\ntype(block) is Table"))
