"""How many of the C functions that a character model writes have balanced brackets.

    python benchmarks/functions.py RUN --real PATH/linux-c/test.txt

Functions are what begins with a header at column 0 (a name and a list of arguments, no semicolon) and ends with the
first } at column 0; one that a sample breaks off is none. Brackets within comments, strings and character constants do
not count. Asked: of those in 50 samples of 2,000 characters at temperature 0.5 at least 60 % with (), [] and {} all
balanced, in the right order.
"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

FUNCTION = re.compile(r"^[A-Za-z_][^\n;{}#]*\([^;{}]*\)[^;{}()]*\{.*?^\}", re.MULTILINE | re.DOTALL)
SILENT = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])+'", re.DOTALL)
CLOSES = {")": "(", "]": "[", "}": "{"}


def functions(text: str) -> list[str]:
    """The functions in a text, from header to closing bracket."""
    return [found.group() for found in FUNCTION.finditer(text)]


def balanced(code: str) -> bool:
    """Whether every bracket is closed by its like, in the right order."""
    stack = []
    for character in SILENT.sub(" ", code):
        if character in "([{":
            stack.append(character)
        elif character in CLOSES and (not stack or stack.pop() != CLOSES[character]):
            return False
    return not stack


def share(texts: list[str]) -> tuple[int, int]:
    """How many functions are balanced, and how many there are."""
    found = [code for text in texts for code in functions(text)]
    return sum(map(balanced, found)), len(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--samples", type=int, default=50)
    parser.add_argument("--length", type=int, default=2000)
    parser.add_argument("--temperature", type=float, default=0.5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--real", type=Path, help="C source, for comparison")
    arguments = parser.parse_args()
    words = ["glasswork", "write", str(arguments.run), "--json", "--samples", str(arguments.samples)]
    words += ["--length", str(arguments.length), "--temperature", str(arguments.temperature)]
    done = subprocess.run([*words, "--seed", str(arguments.seed)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    whole, count = share(json.loads(done.stdout)["texts"])
    print(f"{count} functions in {arguments.samples} samples of {arguments.length:,} characters: ", end="")
    print(f"{whole} balanced, {whole / max(1, count):.1%}")
    if arguments.real:
        whole, count = share([arguments.real.read_text(encoding="utf-8")])
        print(f"{count} functions in {arguments.real.name}: {whole} balanced, {whole / max(1, count):.1%}")


if __name__ == "__main__":
    main()
