"""Our estimators on tables beside scikit-learn's: 5x2 cross-validation (Dietterich 1998), all with default settings.

    python benchmarks/make_tables.py tables/
    python benchmarks/tables.py --csv tables/letters.csv:letter tables/diamonds.csv:price --out tables.md
    python benchmarks/tables.py --data wine diabetes                 (seconds; without --data all four bundled sets)

Five times the rows are shuffled and halved, in each class alike; each half trains once and tests once, the same halves
for every learner. Ours are `NetworkClassifier()` and `NetworkRegressor()`; theirs `MLPClassifier` and `MLPRegressor`
behind `StandardScaler`, and `HistGradientBoostingClassifier` and `-Regressor`. A CSV file is read by our reader for
ours; for theirs by pandas, the texts through `OneHotEncoder` (MLP) or as categories, which boosting takes natively.

The score is accuracy, or R2 for numbers. The difference is ours less theirs, the mean over the ten halves; s is the
deviation of one such difference, sqrt(1/5 sum_i s_i^2) with s_i^2 = sum_k (p_ik - mean_k p_ik)^2, which Dietterich's
t has as its denominator. Seconds are those of fitting and answering one half, the mean.
"""

import argparse
import math
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from machine import describe_machine, describe_versions
from sklearn import datasets
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from glasswork.data.dataset import ReadingOptions
from glasswork.data.reading import read
from glasswork.sklearn import NetworkClassifier, NetworkRegressor

BUNDLED: dict[str, Callable[..., Any]] = {
    "breast cancer": datasets.load_breast_cancer,
    "wine": datasets.load_wine,
    "digits": datasets.load_digits,
    "diabetes": datasets.load_diabetes,
}
OURS = "glasswork"


@dataclass(frozen=True)
class Data:
    """One table.

    Attributes:
        name: of the data.
        numbers: whether numbers are predicted, not classes.
        ours: the inputs as our reader gives them, float.
        theirs: the inputs for scikit-learn: an array, or a frame where there are texts.
        targets: classes or numbers.
    """

    name: str
    numbers: bool
    ours: Any
    theirs: Any
    targets: np.ndarray


def bundled(name: str) -> Data:
    inputs, targets = BUNDLED[name](return_X_y=True)
    return Data(name, targets.dtype.kind == "f", inputs, inputs, targets)


def of_csv(word: str) -> Data:
    """A table out of `FILE:TARGET`."""
    import pandas

    path, _, target = word.rpartition(":")
    examples = read(path, ReadingOptions(target=target))
    frame = pandas.read_csv(path)
    targets = frame.pop(target).to_numpy()
    texts = frame.select_dtypes(exclude="number").columns
    frame = frame.astype(dict.fromkeys(texts, "category"))
    numbers = examples.task.target.tag == "number"
    return Data(Path(path).stem, numbers, examples.columns["inputs"].double().numpy(), frame, targets)


def network(data: Data, seed: int) -> Any:
    return (NetworkRegressor if data.numbers else NetworkClassifier)(random_state=seed)


def perceptron(data: Data, seed: int) -> Any:
    learner = (MLPRegressor if data.numbers else MLPClassifier)(random_state=seed)
    if isinstance(data.theirs, np.ndarray):
        return make_pipeline(StandardScaler(), learner)
    texts = list(data.theirs.select_dtypes(include="category").columns)
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return make_pipeline(make_column_transformer((encoder, texts), remainder=StandardScaler()), learner)


def boosting(data: Data, seed: int) -> Any:
    learner = HistGradientBoostingRegressor if data.numbers else HistGradientBoostingClassifier
    return learner(random_state=seed)


LEARNERS = {OURS: network, "MLP, scikit-learn": perceptron, "gradient boosting, scikit-learn": boosting}


@dataclass(frozen=True)
class Result:
    """Score and seconds on one half."""

    score: float
    seconds: float


def halves(data: Data) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Seed, training rows and test rows, ten times: two in a row are one cut."""
    for seed in range(5):
        cut = (KFold if data.numbers else StratifiedKFold)(2, shuffle=True, random_state=seed)
        for training, test in cut.split(data.ours, data.targets):
            yield seed, training, test


def measure(data: Data, learners: Sequence[str]) -> dict[str, list[Result]]:
    """All learners on all halves, one learner after the other on each."""
    results: dict[str, list[Result]] = {name: [] for name in learners}
    for seed, training, test in halves(data):
        for name in learners:
            inputs = data.ours if name == OURS else data.theirs
            seen, unseen = taken(inputs, training), taken(inputs, test)
            learner = LEARNERS[name](data, seed)
            begun = time.perf_counter()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the default MLP stops before it has converged, and says so
                score = learner.fit(seen, data.targets[training]).score(unseen, data.targets[test])
            results[name].append(Result(score, time.perf_counter() - begun))
            print(f"{data.name} {seed} {name}: {score:.4f}, {results[name][-1].seconds:.1f} s", file=sys.stderr)
    return results


def taken(inputs: Any, rows: np.ndarray) -> Any:
    return inputs[rows] if isinstance(inputs, np.ndarray) else inputs.iloc[rows]


def compared(ours: Sequence[Result], theirs: Sequence[Result]) -> tuple[float, float]:
    """Mean difference of the scores, and Dietterich's s."""
    differences = np.array([one.score - other.score for one, other in zip(ours, theirs, strict=True)]).reshape(5, 2)
    variances = (differences - differences.mean(1, keepdims=True)) ** 2
    return float(differences.mean()), math.sqrt(variances.sum(1).mean())


def as_markdown(measured: Sequence[tuple[Data, dict[str, list[Result]]]]) -> str:
    lines = ["| data | rows | learner | score | ours less theirs | s | seconds |", "|---|---|---|---|---|---|---|"]
    for data, results in measured:
        for name, halves_ in results.items():
            score = statistics.mean(result.score for result in halves_)
            seconds = statistics.mean(result.seconds for result in halves_)
            cells = ["", ""]
            if name != OURS and OURS in results:
                difference, deviation = compared(results[OURS], halves_)
                cells = [f"{difference:+.4f}", f"{deviation:.4f}"]
            row = [data.name, f"{len(data.targets):,}", name, f"{score:.4f}", *cells, f"{seconds:.2f}"]
            lines.append(f"| {' | '.join(row)} |")
    versions = describe_versions(sys.executable, ("scikit-learn", "torch", "glasswork"))
    said = "5x2 cross-validation; accuracy, or R2 for numbers; all learners with default settings."
    return "\n".join([*lines, "", said, describe_machine(), versions, ""])


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="*", choices=list(BUNDLED), default=list(BUNDLED))
    parser.add_argument("--csv", nargs="*", metavar="FILE:TARGET", default=[])
    parser.add_argument("--learners", nargs="+", choices=list(LEARNERS), default=list(LEARNERS))
    parser.add_argument("--out", type=Path, help="write the table here as Markdown")
    return parser.parse_args()


def main() -> None:
    arguments = read_arguments()
    tables = [*map(bundled, arguments.data), *map(of_csv, arguments.csv)]
    table = as_markdown([(data, measure(data, arguments.learners)) for data in tables])
    print(table)
    if arguments.out:
        arguments.out.write_text(table)


if __name__ == "__main__":
    main()
