"""A recipe as TOML that people can edit: every field, its sentence above it."""

import json

from glasswork.files import escape
from glasswork.recipe.base import Options


def written_out(preset: str, sentence: str, recipe: Options) -> str:
    """The recipe as TOML; None values stand as comments, to be filled in. `glasswork train FILE.toml` reads it."""
    lines = [f"# {sentence}", f'preset = "{preset}"', ""]
    for name, field in type(recipe).model_fields.items():
        value = getattr(recipe, name)
        lines += [f"# {field.description}", f"# {name} =" if value is None else f"{name} = {_toml(value)}", ""]
    return "\n".join(lines)


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, str):
        return json.dumps(escape(value), ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)
