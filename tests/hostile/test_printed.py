"""Nothing of the user's reaches a terminal or a spreadsheet as a command: in a name, a label, a text, an exception."""

import csv
import io
import unicodedata
from pathlib import Path

import pytest

from glasswork.cli import main
from glasswork.report.csv_text import csv_text
from glasswork.show.console import PrintableConsole
from made_data import PLAIN, flags

EVIL = "\x1b]0;title\x07\x1b[31m\u202eevil\x9b2J\r\b"
VERBS = (
    "runs",
    "compare {run} {run}",
    "evaluate {run}",
    "evaluate {run} --data {data}",
    "predict {run} {data}",
    "predict {run} {data} --csv answers{evil}.csv",
    "open {run} {data}",
    "diagnose {run}",
    "count {run}",
    "count {evil}",
    "export {run} --to safetensors",
    "train mlp --data {data} --epochs 1 --target {evil}",
    "train mlp --data {missing}",
    "train {evil}",
    "{evil}",
    "resume {evil}",
    "train mlp --network {evil}.py:Net",
    "train --{evil}",
    "train lenet --encoding {evil} --data {data}",
)


def allowed(text: str) -> bool:
    return all(unicodedata.category(character) not in {"Cc", "Cf"} or character in "\n\t" for character in text)


def test_no_verb_prints_control_characters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, run = f"data{EVIL}.csv", f"run{EVIL}"
    rows = [[row, row % 7, f"a{EVIL}"[: 1 + row % 2 * 50], f"yes{EVIL}" if row % 3 else "=no"] for row in range(60)]
    Path(data).write_text(csv_text([[f"height{EVIL}", "width", "kind", "label"], *rows]), encoding="utf-8")
    names = {"evil": EVIL, "data": data, "run": run, "missing": data[1:]}
    assert main(["train", "mlp", *flags({**PLAIN, "data": data, "epochs": 1, "out": run})]) == 0
    printed = capsys.readouterr()
    assert allowed(printed.out) and allowed(printed.err) and "\\x1b" in printed.out + printed.err
    codes = set()
    for verb in VERBS:
        codes.add(main([word.format(**names) for word in verb.split()]))
        printed = capsys.readouterr()
        assert printed.out or printed.err, verb
        assert allowed(printed.out) and allowed(printed.err), verb
    assert codes == {0, 2}


def test_a_terminal_gets_colours_of_ours_alone() -> None:
    stream = io.StringIO()
    console = PrintableConsole(file=stream, force_terminal=True, color_system="standard", highlight=False)
    console.print(f"[red]red[/red] {EVIL}")
    assert stream.getvalue().count("\x1b") == 2  # the colour, and its end
    assert "\u202e" not in stream.getvalue() and "\x9b" not in stream.getvalue()


def test_a_spreadsheet_gets_no_formula() -> None:
    cells = ["=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", "-1.5", "+3", "-inf", "a=1", "", -2.5, None, "'x"]
    (read,) = csv.reader(io.StringIO(csv_text([cells]), newline=""))
    changed = [one for one, cell in zip(read, cells, strict=True) if one != ("" if cell is None else str(cell))]
    assert changed == ["'=1+1", "'+1+1", "'-1+1", "'@SUM(1)", "'\t=1", "'\r=1"]
