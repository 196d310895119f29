"""Texts with answers: tables, folders of class folders, what is left out, and new texts for a model."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from glasswork.data.dataset import TEST, TRAINING, VALIDATION, Dataset, ReadingOptions
from glasswork.data.formats import labelled_texts
from glasswork.data.formats.labelled_texts import read_questions, text_of
from glasswork.data.kinds.task import Task
from glasswork.data.kinds.text import Texts
from glasswork.data.reading import read
from glasswork.errors import GlassworkError

ROWS = [("1", "good tea, said Ann", "kind"), ("2", "bad tea", "unkind"), ("3", "Good rice!", "kind")]


def write_table(path: Path, rows: list[tuple[str, str, str]] = ROWS, head: str = "who,said,label") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([head, *(f'{who},"{said}",{label}' for who, said, label in rows)]) + "\n", "utf-8")
    return path


def write_folders(path: Path) -> Path:
    for place, (_, said, label) in enumerate(ROWS):
        (path / label).mkdir(parents=True, exist_ok=True)
        (path / label / f"{place}.txt").write_text(said + "\n", encoding="utf-8")
    return path


def read_texts(path: Path, **options: object) -> Dataset:
    return read(path, ReadingOptions(**{"vocabulary": 100, **options}), labelled_texts)  # type: ignore[arg-type]


def texts(dataset: Dataset) -> list[str]:
    return [text_of(dataset, row) for row in range(len(dataset))]


def test_a_table_of_texts(tmp_path: Path) -> None:
    path = write_table(tmp_path / "data.csv")
    dataset = read_texts(path)
    assert texts(dataset) == [said for _, said, _ in ROWS]
    assert dataset.task.target.names == ("kind", "unkind")
    assert dataset.columns["targets"].tolist() == [0, 1, 0]
    assert Texts.of(dataset.task).unused == ("who",)
    assert dataset.skipped == ("Columns other than the texts in 'said' are not used: 'who'.",)
    assert dataset.name(1) == "row 2: bad tea"
    vocabulary = Texts.of(dataset.task).vocabulary
    assert vocabulary is not None and vocabulary.tokens[1:3] == ("good", "tea")
    again = read_texts(path)
    assert torch.equal(again.columns["inputs"], dataset.columns["inputs"]) and texts(again) == texts(dataset)


def test_tables_of_a_split_give_the_vocabulary_by_the_training_rows(tmp_path: Path) -> None:
    for name, rows in (("train", ROWS), ("val", ROWS[:1]), ("test", [("9", "novel tea", "kind")])):
        write_table(tmp_path / "set" / f"{name}.csv", rows)
    (tmp_path / "set" / "README.txt").write_text("about it", encoding="utf-8")
    dataset = read_texts(tmp_path / "set")
    assert dataset.columns["split"].tolist() == [TRAINING] * 3 + [VALIDATION, TEST]
    vocabulary = Texts.of(dataset.task).vocabulary
    assert vocabulary is not None and "novel" not in vocabulary.tokens
    begin, end = dataset.offsets["inputs"][-2:].tolist()
    assert dataset.columns["inputs"][begin:end].tolist() == [0, vocabulary.tokens.index("tea")]
    assert dataset.name(4) == "test row 1: novel tea"


@pytest.mark.parametrize("divided", [False, True])
def test_a_folder_of_class_folders(divided: bool, tmp_path: Path) -> None:
    path = tmp_path / "set"
    for part in ("train", "test") if divided else ("",):
        write_folders(path / part)
    dataset = read_texts(path)
    assert texts(dataset)[:3] == ["good tea, said Ann", "Good rice!", "bad tea"]
    assert dataset.columns["targets"].tolist()[:3] == [0, 0, 1]
    assert dataset.columns.get("split", torch.zeros(0)).tolist() == ([0] * 3 + [TEST] * 3 if divided else [])


def test_texts_without_a_token_are_left_out(tmp_path: Path) -> None:
    rows = [*ROWS, ("4", "  ", "kind"), ("5", "", "unkind")]
    dataset = read_texts(write_table(tmp_path / "data.csv", rows))
    assert len(dataset) == 3
    assert dataset.skipped[-1] == "2 texts are empty and were left out: row 4, row 5."


def test_a_long_text_is_cut_off_and_a_text_of_one_class_is_refused(tmp_path: Path) -> None:
    path = write_table(tmp_path / "data.csv")
    assert read_texts(path, longest=2).offsets["inputs"].tolist() == [0, 2, 4, 6]
    with pytest.raises(GlassworkError, match="is 'kind' in every row"):
        read_texts(write_table(tmp_path / "one.csv", [ROWS[0], ROWS[2]]))
    (write_folders(tmp_path / "set") / "unkind" / "1.txt").unlink()
    with pytest.raises(GlassworkError, match="texts of only one class"):
        read_texts(tmp_path / "set")


def test_what_holds_no_texts_is_told(tmp_path: Path) -> None:
    write_table(tmp_path / "both" / "sentences" / "data.csv")
    with pytest.raises(GlassworkError, match="name one of its folders, such as"):
        read_texts(tmp_path / "both")
    (tmp_path / "numbers.csv").write_text("a,label\n1,x\n2,y\n", encoding="utf-8")
    with pytest.raises(GlassworkError, match="no column of texts other than 'label'"):
        read_texts(tmp_path / "numbers.csv")
    with pytest.raises(GlassworkError, match="no column 'title' of texts"):
        read_texts(write_table(tmp_path / "data.csv"), text="title")
    empty = write_table(tmp_path / "empty.csv", [("1", "", "kind"), ("2", "", "unkind")])
    with pytest.raises(GlassworkError, match="no text: all 2 texts are empty"):
        read_texts(empty, text="said")


def test_new_texts_are_read_as_the_model_was_trained(tmp_path: Path) -> None:
    options = ReadingOptions(vocabulary=100)
    task = read_texts(write_table(tmp_path / "data.csv")).task
    (tmp_path / "lines.txt").write_text("good tea\n\n  strange words\n", encoding="utf-8")
    lines = read_questions(tmp_path / "lines.txt", task, options)[0]
    assert texts(lines) == ["good tea", "strange words"]
    assert list(lines.names) == ["lines.txt line 1", "lines.txt line 3"]
    assert lines.columns["inputs"].tolist() == [1, 2, 0, 0]
    assert texts(read_questions(tmp_path / "data.csv", task, options)[0]) == [said for _, said, _ in ROWS]
    untabled = Task(replace(Texts.of(task), target_columns=()), task.target)
    whole = read_questions(tmp_path / "lines.txt", untabled, options)[0]
    assert texts(whole) == ["good tea\n\n  strange words"]
    assert len(read_questions(write_folders(tmp_path / "set"), untabled, options)[0]) == 3
