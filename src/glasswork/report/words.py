"""How figures are written for people: numbers, shares, counts, times."""

import math

NARROW_SPACE = "\u202f"


def number(value: object) -> str:
    """A number for people: 1,234; 0.0431; 1.2e-05. Anything that is not a number comes back as its words."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    if not math.isfinite(value):
        return "not a number" if math.isnan(value) else ("∞" if value > 0 else "−∞")
    size = abs(value)
    if size and (size < 1e-4 or size >= 1e9):
        return f"{value:.2g}"
    if size >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def measured(value: float, spread: float = 0.0) -> str:
    """A number with the digits that it takes to tell it from others: 1700000012.4 if they differ by about 20.

    Args:
        value: the number.
        spread: by how much such numbers differ from one another; 0: unknown, and four digits are written.
    """
    if not math.isfinite(value) or not value:
        return number(value)
    size = math.floor(math.log10(abs(value)))
    digits = max(4, size - math.floor(math.log10(spread)) + 3 if spread > 0 else 4)
    if not -5 < size < 16:
        return f"{value:.{digits}g}"
    text = f"{value:.{max(0, digits - 1 - size)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(share: float) -> str:
    """A share as a percentage, 98.7 %, never rounded to 100 % or to 0 %; a dash where it is undefined."""
    if not math.isfinite(share):
        return "–"
    if share in (0.0, 1.0):
        return f"{share:.0%}".replace("%", f"{NARROW_SPACE}%")
    for digits in range(1, 6):
        text = f"{100 * share:.{digits}f}"
        if float(text) not in (0.0, 100.0):
            break
    return f"{text}{NARROW_SPACE}%"


def compact(count: float) -> str:
    """A count for narrow places: 950, 1.2k, 3M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(count) >= size:
            return f"{count / size:.{0 if abs(count) >= 10 * size else 1}f}".removesuffix(".0") + letter
    return f"{count:g}"


def duration(seconds: float) -> str:
    """Seconds as people say them: `42 s`, `3:05 min`, `1:02 h`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60}:{whole % 60:02d} min" if whole < 3600 else f"{whole // 3600}:{whole % 3600 // 60:02d} h"


def short_duration(seconds: float) -> str:
    """The same, with a tenth of a second below ten: `4.2 s`."""
    return f"{seconds:.1f} s" if seconds < 10 else duration(seconds)
