"""The public face: what it exports is what it says, and every name is documented."""

import importlib.util
import inspect
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

import glasswork
from glasswork.cli import main
from glasswork.cli.verbs import VERBS
from glasswork.run.request import make_request


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


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert glasswork.__version__ == metadata.version("glasswork")
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"glasswork {metadata.version('glasswork')}\n"


def test_presets_and_fields_have_other_words(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "text", "--help"])
    assert "--lr" in capsys.readouterr().out
    assert make_request("text", {}).preset == "sentiment"
