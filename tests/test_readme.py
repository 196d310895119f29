"""The README's Python block runs, and gives the numbers that stand beside its lines."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_python_block_gives_the_numbers_beside_its_lines(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    block = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S).group(1)
    names, checked = {}, 0
    for line in block.splitlines():
        code, _, number = line.partition("  # ")
        if number:
            found = eval(code, names)
            assert found == ast.literal_eval(number), line
            checked += 1
        else:
            exec(code, names)
    assert checked == 2


def test_every_place_that_the_readme_names_exists():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    tree = text.split("src/glasswork/\n")[1].split("\n\n")[0]
    for line in tree.splitlines():
        assert (ROOT / "src/glasswork" / line.split()[0]).exists(), line
