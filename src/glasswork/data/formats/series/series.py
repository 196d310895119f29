"""Time series: a table with one row per time, or per time and series."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from glasswork.data.dataset import TRAINING, Dataset, ReadingOptions, fingerprints
from glasswork.data.formats.series.time_index import Timed, time_columns, timed
from glasswork.data.formats.splits import say_column, split_column
from glasswork.data.formats.tables import table
from glasswork.data.formats.tables.cells import Table
from glasswork.data.formats.tables.infer import listed, quoted
from glasswork.data.formats.tables.load import load_tables
from glasswork.data.formats.tables.parts import USUAL_TARGETS, Parts, answered, divided_tables
from glasswork.data.formats.tables.placeholders import find_placeholders, say_placeholders
from glasswork.data.formats.tables.typed import Numbers, column_kinds, missing_words
from glasswork.data.kinds.calendar import Timing
from glasswork.data.kinds.quantiles import Quantiles
from glasswork.data.kinds.series import LONGEST_GAP, Series
from glasswork.data.kinds.task import Task
from glasswork.data.listing import visible
from glasswork.errors import GlassworkError

FORMAT = "series over time (a table with a column of times)"

_RARELY = 0.001  # the share of lines whose time may come twice: more are several series, or a mistake
_MOST_NAMES = 100_000
_LEAST_TIMES = 20
"""Times from which on rows are taken for a series if nobody asks for one."""

Wholes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Columns:
    """What the columns of a table are for."""

    time: tuple[str, ...]
    identifier: str
    split: str
    targets: list[str]
    covariates: list[str]
    unused: list[str]

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that say which value it is; none of their cells is missing."""
        return *self.time, *filter(None, (self.identifier, self.split))


def claims(path: Path) -> bool:
    """Whether `path` is a table or a folder with a single one: every such table may hold series, for who asks."""
    return bool(_tables_at(path))


def recognizes(table: Table, options: ReadingOptions, path: Path) -> bool:
    """Whether the rows of a table come at evenly spaced times, each once, and the column to predict is numbers."""
    try:
        chosen = _chosen(table, replace(options, target=options.target or _usual_target(table)), path)
        when = timed(table, chosen.time, options.identifier or "") if chosen.time else None
    except GlassworkError:
        return False
    return when is not None and len(when.times) >= _LEAST_TIMES and len(np.unique(when.times)) == len(when.times)


def sources(path: Path) -> list[Path]:
    """The file or the folder."""
    return [path]


def read(path: Path, options: ReadingOptions) -> Dataset:
    """Reads the series in a table.

    Several series stand in columns of their own (`options.target`, with commas between), or one below the other with
    a column that names them (`options.identifier`). Other columns of numbers are covariates, of which only the past is
    looked at. Of a time that comes twice the later line counts, where few do. Missing values and lines are NaN and
    said; what stands for them while forecasts are made is up to `Windows`. Times that regularly have no value, such as
    weekends, are no times of the series.

    Raises:
        GlassworkError: for times that are not evenly spaced or come twice, or a column that is missing or holds no
            numbers.
    """
    tables = _tables_at(path)
    if not tables:
        raise GlassworkError(f"{path} holds no single table: give the path of a .csv, .tsv or .parquet file.")
    parts = answered(tables, options.target, options)
    file = parts.files[0][1]
    missing = missing_words(options.missing)
    found = load_tables([part for _, part in parts.files], kinds=column_kinds(options.column), missing=missing)
    like = Series.of(options.like) if options.like is not None else None
    chosen = _chosen(found, options, file)
    found.columns.update({name: found.declared.get(name, found.columns[name]) for name in chosen.keys})
    when = timed(found, chosen.time, chosen.identifier, None if like is None else like.timing)
    if like is not None:
        _require_same_steps(when.timing, like.timing, file)
    names, which = _series_of(found, chosen)
    twice = len(when.times) - len(set(zip(which.tolist(), when.times.tolist(), strict=True)))
    if twice > _RARELY * len(when.times):
        raise _twice(found, when, which, names, chosen)
    rows, grid = when.grid()
    values = _values(found, chosen, rows, which, len(grid), len(names))
    values, grid, said = _looked_over(values, grid, names, chosen, when.timing, file)
    numbers = {name: np.asarray(found.columns[name]) for name in (*chosen.targets, *chosen.covariates)}
    said += say_placeholders({name: find_placeholders(cells) for name, cells in numbers.items()})
    columns = {"inputs": torch.from_numpy(values), "times": torch.from_numpy(grid)}
    columns["fingerprints"] = fingerprints(torch.cat([columns["inputs"].flatten(1), _double(grid)], 1))
    if chosen.split or len(parts.files) > 1:
        columns["split"] = torch.from_numpy(_splits(found, chosen.split, parts, rows, len(grid), path))
    kind = Series(when.timing, tuple(chosen.covariates), chosen.identifier)
    if like is not None:
        kind = replace(like, timing=when.timing)
    kind = replace(kind, target_columns=tuple(chosen.targets), unused=tuple(chosen.unused))
    target = Quantiles(tuple(names))
    if options.like is not None:
        target = replace(Quantiles.of(options.like), names=tuple(names))
    task = Task(kind, target)
    said_of_splits = (*parts.said, *([say_column(chosen.split)] if chosen.split else []))
    words = _words(found, chosen, rows, grid, when.timing) if len(grid) <= _MOST_NAMES else []
    unused = [f"The columns {quoted(chosen.unused)} are not numeric and were left out."] if chosen.unused else []
    again = [f"Of duplicate times ({twice:,}) the later line is used."] if twice else []
    return Dataset(
        columns,
        task,
        str(path),
        words,
        0,
        (*said_of_splits, *found.said, *when.said, *again, *said, *unused),
        ordered=True,
    )


def _words(found: Table, chosen: _Columns, rows: Wholes, grid: Wholes, timing: Timing) -> list[str]:
    """Every time as its line has it; those without a line as the timing words them."""
    cells = found.columns[chosen.time[0]] if len(chosen.time) == 1 else None
    written = dict(zip(rows.tolist(), cells, strict=True)) if isinstance(cells, list) else {}
    return [written.get(place) or timing.word(time) for place, time in enumerate(grid.tolist())]


def _double(grid: Wholes) -> torch.Tensor:
    return torch.from_numpy(grid).double()[:, None]


def _tables_at(path: Path) -> list[tuple[int | None, Path]]:
    """The table at a path with its split; of a folder the only one in it, or train.csv and those of the others."""
    if path.is_file():
        return [(None, path)] if table.claims(path) else []
    here = [entry for entry in visible(path) if entry.is_file() and table.claims(entry)]
    named = divided_tables(path)
    return named if len(named) > 1 else [(None, here[0])] if len(here) == 1 else []


def _chosen(found: Table, options: ReadingOptions, file: Path) -> _Columns:
    """What each column is for."""
    kind = Series.of(options.like) if options.like is not None else None
    time = time_columns(found, options.time if kind is None else kind.timing.name or None, file)
    identifier = (options.identifier if kind is None else kind.identifier) or ""
    if identifier and identifier not in found.columns:
        raise GlassworkError(f"{file} has no column '{identifier}' that names the series: {_there(found)}.")
    column = split_column(found.columns) if options.splits != "ignore" and len(found.files) == 1 else None
    split = column[0] if column is not None else ""
    others = [name for name in found.columns if name not in {*time, identifier, split}]
    numbers = [name for name in others if not isinstance(found.columns[name], list)]
    asked = options.target or (",".join(kind.target_columns) if kind is not None else "")
    targets = [name.strip() for name in asked.split(",") if name.strip()] or (numbers if len(numbers) == 1 else [])
    if not targets:
        several = f"there are {quoted(numbers)}" if numbers else "there is no column of numbers other than the times"
        raise GlassworkError(
            f"{file} does not say which column to forecast: {several}; choose with --target."
            + "".join(f" {sentence}" for sentence in found.said)
        )
    for name in targets:
        if name not in found.columns:
            raise GlassworkError(f"{file} has no column '{name}': {_there(found)}.")
        if name not in numbers:
            raise GlassworkError(f"The column '{name}' of {file} cannot be forecast: it {_role(found, name, time)}.")
    if identifier and len(targets) > 1:
        raise GlassworkError(
            f"With a column that names the series ('{identifier}') you can forecast only one --target."
        )
    covariates = [name for name in numbers if name not in targets]
    if kind is not None:
        missing = [name for name in kind.covariates if name not in numbers]
        if missing:
            raise GlassworkError(f"{file} has no column '{missing[0]}' of numbers, which this model was trained on.")
        covariates = list(kind.covariates)
    unused = [name for name in others if isinstance(found.columns[name], list)]
    return _Columns(time, identifier, split, targets, covariates, unused)


def _usual_target(found: Table) -> str | None:
    """The one column that is named as what is predicted is."""
    usual = [name for name in found.columns if name.lower() in USUAL_TARGETS]
    return usual[0] if len(usual) == 1 else None


def _there(found: Table) -> str:
    return f"its columns are {', '.join(list(found.columns)[:20])}"


def _role(found: Table, name: str, time: Sequence[str]) -> str:
    if name in time:
        return "says when"
    cells = found.columns[name]
    row = next((row for row, cell in enumerate(cells) if isinstance(cell, str) and not _is_number(cell)), 0)
    return f"holds '{cells[row]}' on {found.place(row)}, which is not a number"


def _is_number(cell: str) -> bool:
    try:
        float(cell or "nan")
    except ValueError:
        return False
    return True


def _require_same_steps(own: Timing, trained: Timing, file: Path) -> None:
    if (own.unit, own.step) != (trained.unit, trained.step):
        raise GlassworkError(
            f"The values of {file} are {own.steps_in_words(1)} apart, and this model was trained on values "
            f"{trained.steps_in_words(1)} apart: resample them to the same step."
        )


def _series_of(found: Table, chosen: _Columns) -> tuple[list[str], Wholes]:
    """The names of the series, and which of them each line is of; 0 where a line has all of them."""
    if not chosen.identifier:
        return chosen.targets, np.zeros(sum(found.counts), dtype=np.int64)
    cells = found.columns[chosen.identifier]
    words = [cell if isinstance(cell, str) else f"{cell:g}" for cell in cells]
    names = list(dict.fromkeys(words))
    places = {name: place for place, name in enumerate(names)}
    return names, np.array([places[word] for word in words])


def _twice(found: Table, when: Timed, which: Wholes, names: list[str], chosen: _Columns) -> GlassworkError:
    """The sentence about the first time that comes twice."""
    seen: dict[tuple[int, int], int] = {}
    for row, key in enumerate(zip(which.tolist(), when.times.tolist(), strict=True)):
        if key in seen:
            of = f" of series '{names[key[0]]}'" if chosen.identifier else ""
            hint = "" if chosen.identifier else "; where a column names several series, say which with --series"
            return GlassworkError(
                f"The time {when.timing.word(key[1])}{of} comes twice, on {found.place(seen[key])} and again on line "
                f"{found.lines[row]}: keep one of them{hint}."
            )
        seen[key] = row
    raise AssertionError("no time comes twice")


def _values(found: Table, chosen: _Columns, rows: Wholes, which: Wholes, times: int, series: int) -> Numbers:
    """(times, series, 1 + covariates), NaN where nothing is known."""
    values = np.full((times, series, 1 + len(chosen.covariates)), np.nan)
    if chosen.identifier:
        for place, name in enumerate([chosen.targets[0], *chosen.covariates]):
            values[rows, which, place] = found.columns[name]
        return values
    for place, name in enumerate(chosen.targets):
        values[rows, place, 0] = found.columns[name]
    for place, name in enumerate(chosen.covariates, start=1):
        values[rows, :, place] = np.asarray(found.columns[name])[:, None]
    return values


def _looked_over(
    values: Numbers, grid: Wholes, names: Sequence[str], chosen: _Columns, timing: Timing, file: Path
) -> tuple[Numbers, Wholes, list[str]]:
    """The values up to the last known one, and what is missing among them.

    Raises:
        GlassworkError: for a series without a value.
    """
    said: list[str] = []
    known = np.isfinite(values[:, :, 0])
    if not known.any():
        raise GlassworkError(f"{file} has no value to learn from: the column to forecast is empty.")
    last = int(np.flatnonzero(known.any(1))[-1]) + 1
    if last < len(grid):
        said.append(f"The last {len(grid) - last:,} lines have no values to forecast from and were left out.")
        values, grid = values[:last], grid[:last]
    counts: dict[str, int] = {}
    gaps: list[str] = []
    for series, name in enumerate(names):
        for place, column in enumerate([name, *chosen.covariates]):
            if place and not chosen.identifier and series:
                continue
            what = f"series '{name}'" if not place else f"column '{column}'"
            short, longer = _gaps(values[:, series, place], what, file)
            if short:
                counts[column] = counts.get(column, 0) + short
            for first, count in longer:
                gaps.append(f"{timing.steps_in_words(count)} after {timing.word(int(grid[first]))} ({what})")
    if counts:
        words = listed([f"'{name}' ({count:,})" for name, count in counts.items()])
        said.append(
            "Missing values are filled with the one a season before or else the last one, never a later one; none is "
            f"used as a training or test target: {words}."
        )
    if gaps:
        said.append(
            f"Of gaps longer than {LONGEST_GAP} values only the first {LONGEST_GAP} are filled, and no forecast spans "
            f"such a gap: {listed(gaps)}."
        )
    late = [name for name, row in zip(names, np.isnan(values[0, :, 0]), strict=True) if row]
    early = [name for name, row in zip(names, np.isnan(values[-1, :, 0]), strict=True) if row]
    said += [f"The series {quoted(late)} begin later than the others."] if late else []
    said += [f"The series {quoted(early)} end before the others: each is forecast from its own end."] if early else []
    return values, grid, said


def _gaps(column: Numbers, what: str, file: Path) -> tuple[int, list[tuple[int, int]]]:
    """How many values short gaps lack; and of each longer one the last place before it and how many values it lacks."""
    known = np.flatnonzero(np.isfinite(column))
    if not len(known):
        raise GlassworkError(f"The {what} of {file} has no value at all.")
    lacking = np.diff(known) - 1
    longer = [(int(known[place]), int(lacking[place])) for place in np.flatnonzero(lacking > LONGEST_GAP)]
    return int(lacking[lacking <= LONGEST_GAP].sum()), longer


def _splits(found: Table, name: str, parts: Parts, rows: Wholes, times: int, source: Path) -> npt.NDArray[np.uint8]:
    """The part that each time belongs to, as the column of that name says, or the names of the files.

    Raises:
        GlassworkError: where the parts do not follow one another.
    """
    column = split_column({name: found.columns[name]}) if name else None
    if column is not None:
        words = column[1]
    else:
        words = [split or TRAINING for (split, _), n in zip(parts.files, found.counts, strict=True) for _ in range(n)]
    numbers = np.full(times, -1, dtype=np.int64)
    inside = rows < times
    numbers[rows[inside]] = np.array(words)[inside]
    for row in np.flatnonzero(numbers < 0):
        numbers[row] = numbers[row - 1]
    back = np.flatnonzero(np.diff(numbers) < 0)
    if len(back):
        what = f"The column '{name}' of {source} does" if name else f"The names of the tables in {source} do"
        raise GlassworkError(
            f"{what} not divide the times into train, val and test one after the other: "
            "the forecast part has to come after the training part."
        )
    return numbers.astype(np.uint8)
