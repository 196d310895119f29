"""Writes files that the user named; never overwrites existing files."""

from pathlib import Path

from glasswork.errors import GlassworkError


def write_new(path: str | Path, content: str | bytes) -> None:
    """Writes a file that is not there yet; text as UTF-8.

    Raises:
        GlassworkError: where it exists or cannot be written.
    """
    try:
        with Path(path).open("xb") as file:
            file.write(content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content)
    except FileExistsError:
        raise GlassworkError(f"{path} already exists: choose another name or move it away") from None
    except OSError as error:
        raise GlassworkError(f"{path} cannot be written: {error.strerror or error}") from None
