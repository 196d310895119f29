"""The house keeps its plan: imports flow downward, files and functions stay small, torch waits until it is needed."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import glasswork

SOURCE = Path(glasswork.__file__).parent
LAYERS = (  # from top to bottom; rooms on one line may not import each other
    ("__main__",),
    ("cli", "sklearn"),
    ("",),
    ("studies",),
    ("run",),
    ("show",),
    ("catalogue",),
    ("systems",),
    ("training", "glassbox"),
    ("data",),
    ("networks", "objectives"),
    ("recipe", "execution", "textbook", "report", "tensor_files", "own_code"),
    ("record", "files", "limits"),
    ("errors", "stopping", "activity"),
)
DEPTH = {room: depth for depth, rooms in enumerate(LAYERS) for room in rooms}
FILES = sorted(SOURCE.rglob("*.py"))


def room_of(module: str) -> str:
    """`glasswork.data.batches` is in `data`; the public face is in the room without a name."""
    return [*module.split("."), ""][1]


def imported(file: Path) -> Iterator[str]:
    """Every module of ours that a file imports, inside functions too."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports relatively"
            assert node.module is not None
            modules = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if room_of(name) in DEPTH else node.module for name in modules)


def test_imports_flow_downward() -> None:
    for file in FILES:
        module = ".".join(("glasswork", *file.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__")
        room = room_of(module)
        for name in imported(file):
            other = room_of(name)
            if name.split(".")[0] == "glasswork" and other != room:
                assert DEPTH[room] < DEPTH[other], f"{module} imports {name}"


def test_no_system_imports_another_system() -> None:
    folders = {path.name for path in (SOURCE / "systems").iterdir() if (path / "system.py").is_file()}
    assert "supervised" in folders
    for file in (SOURCE / "systems").rglob("*.py"):
        own = file.relative_to(SOURCE / "systems").parts[0]
        for name in imported(file):
            parts = name.split(".")
            other = parts[2] if parts[:2] == ["glasswork", "systems"] and len(parts) > 2 else ""
            assert other not in folders - {own}, f"{file} imports {name}"


def test_every_room_is_in_the_plan() -> None:
    assert {room_of("glasswork." + file.relative_to(SOURCE).parts[0].removesuffix(".py")) for file in FILES} == {
        *(DEPTH.keys() - {""}),
        "__init__",
    }


def test_files_and_functions_are_small() -> None:
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        assert len(text.splitlines()) < 750, file
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                described = (ast.get_docstring(node, clean=False) or "").count("\n") + 1
                assert node.end_lineno - node.lineno + 1 - described < 61, f"{file}: {node.name}"


def test_help_does_not_wait_for_torch() -> None:
    code = (
        "import sys, glasswork, glasswork.cli\n"
        "try: glasswork.cli.main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "print(sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    verbs = ("train", "predict", "open", "crossvalidate", "why-recurrence")
    mistakes = (["train", "lennet"], ["compare", "one", "other"])
    for words in (["--help"], *([verb, "--help"] for verb in verbs), ["systems", "show", "mlp"], ["runs"], *mistakes):
        done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
        assert done.stdout or words in mistakes
        modules = ast.literal_eval(done.stderr.splitlines()[-1])
        assert ("pydantic" in modules) == (words != ["--help"])
        assert not {"torch", "numpy", "sklearn", "matplotlib", "PIL"} & set(modules), words
