"""Speech to text: characters from sound, without knowing which sound is which (Kolter: sequence to sequence)."""

import wave
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from typing_extensions import override

from glasswork.data import ragged
from glasswork.data.batches import Batch, Batches
from glasswork.data.dataset import Dataset, ReadingOptions
from glasswork.data.encodings import normalise, read_text
from glasswork.data.formats import audio
from glasswork.data.kinds.audio import Audio
from glasswork.data.kinds.kind import Inputs, Target
from glasswork.data.kinds.task import Task
from glasswork.data.kinds.token_sequence import TokenSequence
from glasswork.data.log_mel import HOP
from glasswork.data.prediction import Prediction
from glasswork.data.reading import read
from glasswork.data.splits import Splits
from glasswork.data.spoken_batches import SoundAugmentation, Spoken, spoken_batches
from glasswork.data.tokenize import encode, find_vocabulary
from glasswork.errors import GlassworkError
from glasswork.execution import Execution
from glasswork.networks.ctc_decoding import CTCDecoder, collapse
from glasswork.networks.decoding import follow, log_probabilities_of
from glasswork.objectives.ctc import ctc_loss, frames_needed
from glasswork.objectives.losses import Objective
from glasswork.objectives.metrics import Metrics
from glasswork.systems.evaluation import Evaluation
from glasswork.systems.sample import Sample
from glasswork.systems.sequences import predictions_of
from glasswork.systems.speech.evidence import explain
from glasswork.systems.speech.network import SpeechNetwork
from glasswork.systems.speech.recipe import SpeechRecipe
from glasswork.systems.speech.report import report_speech
from glasswork.systems.speech.transcribe import Transcribed, measure, transcribe
from glasswork.systems.system import Context, Findings, Remarks, System
from glasswork.training.stage import Tree

EXPLAINED = 20
"""How many recordings of one question are looked into."""
VOCABULARY = 4000
NAMED = 3


class Speech(System[SpeechRecipe, Transcribed]):
    """Minimises -log p(characters | sound) per character, over all alignments (Graves et al. 2006)."""

    takes: ClassVar[tuple[type[Inputs], ...]] = (Audio,)
    answers: ClassVar[tuple[type[Target], ...]] = (TokenSequence,)
    wanted: ClassVar[tuple[str, str]] = ("Speech is learned from recordings with their transcripts",) * 2
    needed: ClassVar[str] = (
        "recordings with transcripts come with no package; get some, such as LibriSpeech (openslr.org/12) or Common "
        "Voice (commonvoice.mozilla.org), or put a transcripts.tsv beside your own, and name the folder with --data"
    )

    @override
    def objective(self, task: Task) -> Objective:
        return Objective("ctc", function=ctc_loss)

    @override
    def read(self, source: str | Path, like: Task | None = None) -> Dataset:
        options = ReadingOptions.of(
            self.recipe, pieces="character", vocabulary=VOCABULARY, classes_known=like is not None, like=like
        )
        dataset = read(source, options, audio)
        kind = replace(Audio.of(dataset.task), bands=self.recipe.bands, subsampling=self.recipe.subsampling)
        dataset = dataset.with_task(Task(kind, dataset.task.target))
        said = []
        if short := [dataset.name(row) for row in (~self._fits(dataset)).nonzero()[:, 0].tolist()]:
            are, them = ("is", "it") if len(short) == 1 else ("are", "them")
            said.append(
                f"{len(short):,} of the recordings {are} too short for the text ({_named(short)}), and nothing is "
                f"learned from {them}: a smaller --subsampling makes room."
            )
        unknown = [dataset.name(row) for row in _rows_with(dataset, 0)]
        if like is not None and unknown:
            have = "transcript has" if len(unknown) == 1 else "transcripts have"
            said.append(f"{len(unknown):,} {have} characters that this model does not know: {_named(unknown)}.")
        return replace(dataset, skipped=(*dataset.skipped, *said))

    def _fits(self, dataset: Dataset) -> Tensor:
        """Whether the network has at least as many outputs for each recording as its text needs, bool (rows,)."""
        hop = round(HOP * Audio.of(dataset.task).rate)
        frames = ragged.lengths(dataset.offsets["inputs"]) // hop + 1
        outputs = -(-frames // self.recipe.subsampling)
        texts = ragged.split(dataset.columns["targets"], dataset.offsets["targets"], torch.arange(len(dataset)))
        return outputs >= torch.tensor([frames_needed(text[:-1].tolist()) for text in texts])

    @override
    def derive(self, dataset: Dataset, splits: Splits) -> Mapping[str, object]:
        if self.recipe.subsampling == 3:
            raise GlassworkError("subsampling has to be 1, 2 or 4, not 3")
        if not bool(self._fits(dataset)[splits.training].any()):
            raise GlassworkError(
                f"Every training recording of {dataset.source} is too short for its text: "
                "check that sound files and transcripts belong together, or use a smaller --subsampling"
            )
        return {"epochs": 60, "batch_size": 16, "learning_rate": 0.001}

    @override
    def network(self, task: Task) -> nn.Module:
        recipe = self.recipe
        return SpeechNetwork(
            Audio.of(task).bands,
            len(task.target.names),
            recipe.filters,
            recipe.subsampling,
            recipe.cell,
            recipe.hidden_size,
            recipe.layers,
            recipe.dropout,
            recipe.language_order,
            recipe.language_weight,
        )

    @override
    def begin(self, network: nn.Module, context: Context) -> Remarks:
        """Counts the language model, in the training transcripts or the text that the recipe names."""
        language = _speech(network).language
        if language is None:
            return ()
        target = TokenSequence.of(context.dataset.task)
        if self.recipe.language_model is None:
            columns, offsets = context.dataset.columns, context.dataset.offsets
            texts = ragged.split(columns["targets"], offsets["targets"], context.splits.training)
            language.count([text[:-1].tolist() for text in texts])
            return ()
        file = Path(self.recipe.language_model)
        if not file.is_file():
            raise GlassworkError(f"There is no text file {file} to count characters in, which --language-model names")
        lines = [words for line in normalise(read_text(file)[0]).splitlines() if (words := audio.spoken_words(line))]
        if not lines:
            raise GlassworkError(f"{file} holds no words to count characters in")
        tokens, ends = encode(lines, target.vocabulary)
        language.count([row.tolist() for row in ragged.split(tokens, ends, torch.arange(len(lines)))])
        return (f"the language model was counted in {len(lines):,} lines of {file.name}",)

    @override
    def batches(self, context: Context) -> Batches:
        recipe, training = self.recipe, context.splits.training
        assert recipe.batch_size is not None
        rows = training[self._fits(context.dataset)[training]]
        augmentation = SoundAugmentation(recipe.time_masks, recipe.band_masks, recipe.warp)
        return spoken_batches(context.dataset, rows, recipe.batch_size, recipe.seed, context.execution, augmentation)

    @override
    def batch(self, dataset: Dataset, rows: Tensor, execution: Execution) -> Batch:
        return Spoken(dataset, execution)(rows)

    @override
    def outputs(self, network: nn.Module, dataset: Dataset, rows: Tensor, execution: Execution) -> Transcribed:
        return transcribe(_speech(network), dataset, rows, execution, self.recipe.beam)

    @override
    def measure(self, outputs: Transcribed, dataset: Dataset, rows: Tensor) -> Metrics:
        figures = measure(outputs.texts, dataset, rows)
        return Metrics({"loss": outputs.loss, **figures}, "wer", figures["cer"], higher_is_better=False)

    @override
    def judge(self, network: nn.Module, context: Context) -> Metrics:
        """By the best path, as beam search would take longer than an epoch."""
        dataset, rows = context.dataset, context.splits.validation
        return self.measure(transcribe(_speech(network), dataset, rows, context.execution, 1), dataset, rows)

    @override
    def report(
        self, network: nn.Module, evaluation: Evaluation[Transcribed], context: Context, last: Tree | None
    ) -> Findings:
        return report_speech(context, evaluation, self.recipe.beam)

    @override
    def select_opened(
        self, network: nn.Module, batch: Batch, task: Task, target: str | float | None
    ) -> tuple[tuple[Tensor, ...], Tensor | None]:
        inputs = batch.inputs[:1]
        if target is not None:
            return (inputs,), task.target.parse(audio.spoken_words(str(target))).to(inputs.device)
        with torch.inference_mode():
            path = network(inputs).argmax(1)[0].tolist()
        blank = len(task.target.names) - 1
        return (inputs,), torch.tensor([[*collapse(path, blank), blank]], device=inputs.device)

    @override
    def predict(self, network: nn.Module, dataset: Dataset, execution: Execution) -> list[Prediction]:
        """Transcripts with the probability of each character; the first ones with what they rest on."""
        heard, rows = _speech(network), torch.arange(len(dataset))
        target = TokenSequence.of(dataset.task)
        unknown = {name: each for name, each in dataset.offsets.items() if name == "inputs"}
        asked = replace(dataset, offsets=unknown)
        answers = transcribe(heard, asked, rows, execution, self.recipe.beam)
        make, followed, evidence, hypotheses = Spoken(asked, execution), [], [], []
        for row, found in enumerate(answers.hypotheses):
            features = make(rows[row : row + 1]).inputs
            with torch.inference_mode():
                memory = heard.encode(features)
                said = follow(CTCDecoder(), memory, [found[0].tokens])[0]
            followed.append(said)
            sure = float(log_probabilities_of(said, found[0].tokens).sum())
            hypotheses.append([replace(found[0], log_probability=sure), *found[1:]])
            looked = row < EXPLAINED
            evidence.append(explain(heard, features[0], found[0].tokens, target.vocabulary) if looked else [])
        answers = replace(answers, hypotheses=hypotheses)
        return predictions_of(answers, asked, followed, evidence=evidence)

    @override
    def usual_task(self) -> Task:
        return Task(
            Audio(16_000, self.recipe.bands, self.recipe.subsampling),
            TokenSequence(find_vocabulary(["the quick brown fox"], "character", 50, 1)),
        )

    @override
    def sample(self, folder: Path) -> Sample:
        """Two tones, high and low, that are called by two letters."""
        sounds = folder / "sounds"
        sounds.mkdir(exist_ok=True)
        lines = ["file\ttext"]
        for number in range(40):
            letters = "".join("ab"[number >> bit & 1] for bit in range(2 + number % 3))
            text = f"{letters[:2]} {letters[2:]}".strip()
            write_tones(sounds / f"{number}.wav", text, 8000, number)
            lines.append(f"sounds/{number}.wav\t{text}")
        (folder / "transcripts.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        shape = {"hidden_size": 4, "layers": 2, "filters": 2, "bands": 16, "beam": 2}
        options = {**shape, "epochs": 2, "batch_size": 8, "test": 0.25}
        return Sample(str(folder), options, [str(sounds / "0.wav"), str(sounds / "1.wav")], "ab")


def _named(names: Sequence[str]) -> str:
    """The first of some names, and how many more there are."""
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED:,} more" if len(names) > NAMED else "")


def _rows_with(dataset: Dataset, token: int) -> list[int]:
    """The rows whose text has a token."""
    places = (dataset.columns["targets"] == token).nonzero()[:, 0]
    return sorted(set((torch.searchsorted(dataset.offsets["targets"], places, right=True) - 1).tolist()))


def write_tones(path: Path, text: str, rate: int, seed: int) -> None:
    """A WAV file with a tone of a fifth of a second for each letter, `a` low and `b` high, over a little noise."""
    draws, time = np.random.default_rng(seed), np.arange(rate // 5) / rate
    pitches = {"a": 400.0, "b": 1500.0, " ": 0.0}
    tones = [np.sin(2 * np.pi * pitches[letter] * time) * np.hanning(len(time)) for letter in text]
    samples = 12_000 * np.concatenate(tones) + draws.normal(0, 60, len(time) * len(text))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())


def _speech(network: nn.Module) -> SpeechNetwork:
    assert isinstance(network, SpeechNetwork)
    return network
