"""What stands in place of a path to new inputs: a file, a folder, or a text that is written out."""

import os
from pathlib import Path


def is_there(path: Path) -> bool:
    """Whether there is a file or folder; also of a text that stands in place of a path, and may be too long for one."""
    return os.path.exists(path)  # noqa: PTH110 (a Path complains of a name that is too long)


def is_folder(path: Path) -> bool:
    """Whether there is a folder; `path` may be a text as above."""
    return os.path.isdir(path)  # noqa: PTH112
