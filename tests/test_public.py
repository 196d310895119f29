"""The public face: what it exports is what it says, and every name is documented."""

import importlib.util
import inspect
import tomllib
from importlib import metadata
from pathlib import Path

import glasswork
from glasswork.cli.verbs import VERBS


def test_all_equals_what_is_public() -> None:
    own = {
        name
        for name, value in vars(glasswork).items()
        if not name.startswith("_") and getattr(value, "__module__", "").startswith("glasswork") and callable(value)
    }
    typed = {"Request", "Preset"}  # named in annotations only
    assert sorted(own - typed - {"order"}) == sorted(glasswork.__all__)


def test_every_public_name_says_what_it_does() -> None:
    for name in glasswork.__all__:
        assert inspect.getdoc(getattr(glasswork, name)), name


def test_the_command_is_installed() -> None:
    (script,) = metadata.entry_points(group="console_scripts", name="glasswork")
    assert script.value.startswith("glasswork.cli:")
    assert callable(script.load())


def test_version_and_types_are_shipped() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert metadata.version("glasswork") == project["version"]
    assert (Path(glasswork.__file__).parent / "py.typed").is_file()


def test_no_module_stands_over_a_public_name() -> None:
    for name in glasswork.__all__:
        assert importlib.util.find_spec(f"glasswork.{name}") is None, name


def test_presets_are_listed() -> None:
    assert {"linear", "mlp", "lenet", "own"} <= {preset.name for preset in glasswork.presets()}


def test_every_verb_stands_in_the_list_of_verbs() -> None:
    rows = (Path(__file__).parents[1] / "docs" / "commands.md").read_text(encoding="utf-8").splitlines()
    named = {row.split("`")[1].split()[0] for row in rows if row.startswith("| `")}
    assert named == set(VERBS)
