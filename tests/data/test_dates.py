"""Made dates are right: what is written is the day that it is written for."""

import datetime
import re

from glasswork.data.dates import LANGUAGES, pairs, write


def test_every_form_writes_the_day() -> None:
    date = datetime.date(2024, 2, 29)
    said = {name: [write(date, each, form) for form in range(len(each.forms))] for name, each in LANGUAGES.items()}
    assert said["English"][2:4] == ["the 29th of February 2024", "Thursday, February 29, 2024"]
    assert said["German"][1] == "Donnerstag, 29. Februar 2024" and said["German"][3] == "29.2.2024"
    assert said["French"][1] == "le 29 février 2024" and said["Spanish"][2] == "jueves, 29 de febrero de 2024"
    assert said["Italian"][2] == "giovedì 29 febbraio 2024"


def test_pairs_differ_and_agree() -> None:
    found = pairs(300)
    assert len(set(map(tuple, found.targets))) == 300 and found == pairs(300)
    for text, (iso,) in zip(found.sources, found.targets, strict=True):
        date = datetime.date.fromisoformat(iso)
        assert re.search(rf"\b{date.day}(?!\d)", text) and str(date.year) in text
