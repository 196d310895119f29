"""Dates as people write them in several languages, with their ISO form: made pairs to try translation on."""

import datetime
import random
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from glasswork.data.dataset import Dataset, ReadingOptions
from glasswork.data.formats.parallel_texts import Pairs, dataset_of

COUNT = 6000
SEED = 7
FIRST, LAST = datetime.date(1900, 1, 1), datetime.date(2099, 12, 31)


class Language(NamedTuple):
    """How a language writes dates.

    Attributes:
        months: their names, with spaces between.
        weekdays: likewise, Monday first.
        forms: templates; `{d}` day, `{o}` day with an ordinal sign, `{m}` month, `{n}` its number, `{a}` its first
            three letters, `{y}` year, `{w}` weekday.
    """

    months: str
    weekdays: str
    forms: tuple[str, ...]


def _ordinal(day: int) -> str:
    ending = "th" if 10 < day < 20 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending}"


LANGUAGES: Mapping[str, Language] = {
    "English": Language(
        "January February March April May June July August September October November December",
        "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
        ("{m} {d}, {y}", "{d} {m} {y}", "the {o} of {m} {y}", "{w}, {m} {d}, {y}", "{m} {o}, {y}", "{a} {d} {y}"),
    ),
    "German": Language(
        "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
        "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag",
        ("{d}. {m} {y}", "{w}, {d}. {m} {y}", "am {d}. {m} {y}", "{d}.{n}.{y}"),
    ),
    "French": Language(
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        "lundi mardi mercredi jeudi vendredi samedi dimanche",
        ("{d} {m} {y}", "le {d} {m} {y}", "{w} {d} {m} {y}"),
    ),
    "Spanish": Language(
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        "lunes martes miércoles jueves viernes sábado domingo",
        ("{d} de {m} de {y}", "el {d} de {m} de {y}", "{w}, {d} de {m} de {y}"),
    ),
    "Italian": Language(
        "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
        "lunedì martedì mercoledì giovedì venerdì sabato domenica",
        ("{d} {m} {y}", "il {d} {m} {y}", "{w} {d} {m} {y}"),
    ),
}


def pairs(count: int = COUNT, seed: int = SEED) -> Pairs:
    """Different dates, each written once in a random language and form, and their ISO form."""
    draws = random.Random(seed)
    days = draws.sample(range(FIRST.toordinal(), LAST.toordinal() + 1), count)
    found = Pairs(said=["These dates are made: a program wrote them, so that what is learned is its rules."])
    for number, day in enumerate(days, 1):
        date = datetime.date.fromordinal(day)
        name = draws.choice([*LANGUAGES])
        found.sources.append(write(date, LANGUAGES[name], draws.randrange(len(LANGUAGES[name].forms))))
        found.targets.append([date.isoformat()])
        found.names.append(f"{name} date {number}")
        found.splits.append(None)
    return found


def write(date: datetime.date, language: Language, form: int) -> str:
    """A date as a language writes it, in one of its forms."""
    month = language.months.split()[date.month - 1]
    return language.forms[form].format(
        d=date.day,
        o=_ordinal(date.day),
        m=month,
        a=month[:3],
        n=date.month,
        y=date.year,
        w=language.weekdays.split()[date.weekday()],
    )


def read(path: Path, options: ReadingOptions) -> Dataset:
    """The made pairs; `path` is where they are made, which is this file."""
    return dataset_of(pairs(), options, path)
