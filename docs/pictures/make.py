"""Makes the pictures of README and docs, each from a command that a reader can give: python docs/pictures/make.py."""

import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
COMMANDS = {
    "lenet.svg": ("draw lenet --out {}",),
    "alexnet.svg": ("draw alexnet --out {}",),
    "resnet18.svg": ("draw resnet18 --out {}",),
    "dense.svg": (
        "train points --data xor --hidden 4,3 --activation tanh --epochs 60 --threads 1 --out points",
        "draw points --out {}",
    ),
}


def main() -> None:
    """Makes all of them."""
    for name, commands in COMMANDS.items():
        (HERE / name).unlink(missing_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            for command in commands:
                words = command.format(HERE / name).split()
                subprocess.run([sys.executable, "-m", "glasswork", *words], cwd=folder, check=True)


if __name__ == "__main__":
    main()
