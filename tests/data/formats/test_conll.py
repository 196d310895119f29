"""Sentences with labels: columns, slashes, Universal Dependencies, parts of the data, and mistakes in them."""

from pathlib import Path

import pytest
import torch

from glasswork.data.dataset import TEST, TRAINING, VALIDATION, Dataset, ReadingOptions
from glasswork.data.formats import conll as tagged
from glasswork.data.formats.conll import features, read_questions, words_in, words_of
from glasswork.data.kinds.per_step import PerStep
from glasswork.data.reading import read
from glasswork.errors import GlassworkError

COLUMNS = "-DOCSTART-\tX\n\nThe\tDT\ndog\tNN\n\n\n\nruns\tVB\n"
FORMS = {
    "tabs.conll": COLUMNS,
    "four.txt": "The DT I-NP DT\ndog NN I-NP NN\n\nruns VB I-VP VB\n",
    "slashes.txt": "The/DT dog/NN\n\nruns/VB\n",
    "universal.conllu": "# text\n1\tThe\tthe\tDT\t_\n2\tdog\tdog\tNN\t_\n\n1-2\tx\t_\t_\t_\n1\truns\trun\tVB\t_\n",
}


def read_sentences(path: Path, **options: object) -> Dataset:
    return read(path, ReadingOptions(**{"vocabulary": 1000, "pieces": "features", **options}), tagged)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", FORMS)
def test_every_form_reads_alike(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(FORMS[name], encoding="utf-8")
    dataset = read_sentences(tmp_path / name)
    assert [words_in(dataset, row) for row in range(2)] == [["The", "dog"], ["runs"]]
    assert dataset.task.target.names == ("DT", "NN", "VB") and type(dataset.task.target) is PerStep
    assert dataset.columns["targets"].tolist() == [0, 1, 2]
    assert dataset.columns["inputs"].shape == (3, tagged.FEATURES)
    assert torch.equal(dataset.offsets["targets"], dataset.offsets["inputs"])
    assert "dog" in dataset.name(0)


def test_parts_give_the_split_and_only_training_words_are_known(tmp_path: Path) -> None:
    for name, text in (("train", "The\tDT\ndog\tNN\n"), ("val", "dog\tNN\n"), ("test", "zebra\tNN\n")):
        (tmp_path / f"{name}.conll").write_text(text, encoding="utf-8")
    (tmp_path / "README.txt").write_text("about it", encoding="utf-8")
    dataset = read_sentences(tmp_path)
    assert dataset.columns["split"].tolist() == [TRAINING, VALIDATION, TEST]
    zebra = dataset.columns["inputs"][-1].tolist()
    shape = features("zebra").index("shape x")
    assert zebra[shape] > 0 and [number for place, number in enumerate(zebra) if place != shape] == [0, 0, 0, 0]


def test_what_stands_for_a_word() -> None:
    assert features("Running") == ("word running", "end ing", "end ng", "begin ru", "shape Xx")
    assert features("U.S.-2,000")[-1] == "shape X.X.-d,d"
    assert features("a") == ("word a", "end a", "end a", "begin a", "shape x")


def test_mistakes_are_told_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    for text, said in (
        ("The\tDT\ndog\n", "Line 2 of .* has no label"),
        ("The\tDT\ndog\tDT\n", "has the label 'DT': there is nothing to learn"),
        ("\n\n", "holds no sentence"),
    ):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(GlassworkError, match=said):
            read_sentences(path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.md").write_text("x", encoding="utf-8")
    with pytest.raises(GlassworkError, match="no train, val and test file"):
        read_sentences(tmp_path / "empty")
    path.write_text(COLUMNS, encoding="utf-8")
    task = read_sentences(path).task
    path.write_text("The\tDT\ncat\tNEW\n", encoding="utf-8")
    with pytest.raises(GlassworkError, match="a label 'NEW' that this model does not know"):
        read_sentences(path, like=task, classes_known=True)


def test_new_sentences_are_cut_as_those_with_labels_are(tmp_path: Path) -> None:
    assert words_of("Ann's dog doesn't cost 1,000.50!") == [
        *("Ann", "'s", "dog", "does", "n't", "cost", "1,000.50", "!"),
    ]
    known = {"word 喜欢", "word 手机", "word t恤", "word 喜", "word the dog"}
    assert words_of("我喜欢手机T恤the dog", known) == ["我", "喜欢", "手机", "T恤", "the", "dog"]
    (tmp_path / "a.txt").write_text("The dog.\n\nIt runs\n", encoding="utf-8")
    assert read_questions(tmp_path / "a.txt") == (
        [["The", "dog", "."], ["It", "runs"]],
        ["a.txt line 1", "a.txt line 3"],
    )
    (tmp_path / "a.conll").write_text("Do\nn't\n\nrun\n", encoding="utf-8")
    assert read_questions(tmp_path / "a.conll")[0] == [["Do", "n't"], ["run"]]
