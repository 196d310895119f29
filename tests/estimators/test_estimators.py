"""The estimators among scikit-learn's own tools: pipelines, searches, pickles; what they learn and what they refuse."""

import pickle
import pickletools
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris, load_wine, make_multilabel_classification
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

import glasswork as gw
from closeness import assert_same_numbers
from glasswork.sklearn import NetworkClassifier, NetworkRegressor

IRIS = load_iris(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)


def test_classes_are_learnt_with_nothing_set() -> None:
    scores = cross_val_score(NetworkClassifier(random_state=0), *load_wine(return_X_y=True), cv=3)
    assert scores.mean() > 0.95


def test_numbers_are_learnt_in_their_own_units() -> None:
    inputs, targets = DIABETES
    fitted = NetworkRegressor(random_state=0).fit(inputs[:300], 1e6 + 1e3 * targets[:300])
    assert fitted.score(inputs[300:], 1e6 + 1e3 * targets[300:]) > 0.42  # scikit-learn's MLPRegressor: below 0


def test_two_outputs_are_as_good_as_one() -> None:
    inputs, targets = DIABETES
    both = np.stack([targets, -3 * targets + 7], 1)
    fitted = NetworkRegressor(epochs=20, random_state=0).fit(inputs, both)
    answers = fitted.predict(inputs)
    assert answers.shape == both.shape
    assert r2_score(both, answers, multioutput="raw_values") == pytest.approx([0.5, 0.5], abs=0.15)
    assert NetworkRegressor(epochs=1).fit(inputs, targets).predict(inputs).shape == targets.shape


def test_several_labels_per_row() -> None:
    inputs, labels = make_multilabel_classification(300, n_classes=4, random_state=0)
    fitted = NetworkClassifier(random_state=0).fit(inputs[:200], labels[:200])
    chances, answers = fitted.predict_proba(inputs[200:]), fitted.predict(inputs[200:])
    assert chances.shape == answers.shape == (100, 4)
    assert ((chances > 0.5) == answers).all()
    assert (answers == labels[200:]).mean() > 0.75


def test_equal_seeds_give_equal_networks_and_torch_keeps_its_own() -> None:
    before = torch.get_rng_state()
    first, second, other = (NetworkClassifier(epochs=3, random_state=seed).fit(*IRIS) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    chances = first.predict_proba(IRIS[0])
    assert (chances == second.predict_proba(IRIS[0])).all()
    assert (chances != other.predict_proba(IRIS[0])).any()
    assert first.loss_curve_ == second.loss_curve_
    drawn = [NetworkClassifier(epochs=1, random_state=np.random.RandomState(5)).fit(*IRIS) for _ in range(2)]
    assert drawn[0].recipe_["seed"] == drawn[1].recipe_["seed"]


def test_it_learns_what_a_run_with_the_same_recipe_learns(tmp_path: Any) -> None:
    inputs, targets = IRIS
    rows = np.column_stack([inputs, targets]).tolist()
    text = "\n".join(["a,b,c,d,target", *(",".join(map(str, row)) for row in rows)])
    (tmp_path / "iris.csv").write_text(text, encoding="utf-8")
    options: dict[str, Any] = {"hidden": (16,), "epochs": 5, "validation": 0.2, "learning_rate": 0.02}
    model = gw.train(
        "mlp", data=tmp_path / "iris.csv", test=0.0, seed=3, threads=1, precision="float32", out="run", **options
    )
    fitted = NetworkClassifier(preset="mlp", random_state=3, **options).fit(inputs, targets)
    answers = model.predict(tmp_path / "iris.csv")
    assert isinstance(answers, list)
    theirs = np.array([[answer.probabilities[name] for name in model.classes] for answer in answers])
    assert fitted.predict_proba(inputs) == pytest.approx(theirs, abs=1e-3)


def test_a_column_that_differs_in_its_last_digits_counts() -> None:
    draws = np.random.default_rng(0)
    seconds = 1.7e9 + draws.uniform(0, 60, 300)  # float32 knows these to 128 seconds
    fitted = NetworkRegressor(random_state=0).fit(seconds[:, None], seconds - 1.7e9)
    assert fitted.score(seconds[:, None], seconds - 1.7e9) > 0.9


def test_a_mistyped_cell_is_answered_within_reason() -> None:
    draws = np.random.default_rng(0)
    inputs = draws.normal(size=(300, 2))
    fitted = NetworkRegressor(random_state=0).fit(inputs, inputs.sum(1))
    answers = fitted.predict([[5.0, 0.0], [500.0, 0.0], [-500.0, 0.0]])
    assert abs(answers).max() < 8
    assert answers[0] > 3


def test_the_best_epoch_is_kept() -> None:
    fitted = NetworkClassifier(epochs=30, validation=0.3, patience=3, learning_rate=0.2, random_state=0).fit(*IRIS)
    curve = fitted.validation_curve_
    assert len(fitted.loss_curve_) == fitted.n_iter_ == len(curve)
    assert fitted.best_epoch_ == int(np.argmin(curve)) + 1
    plain = NetworkClassifier(epochs=3).fit(*IRIS)
    assert (plain.validation_curve_, plain.best_epoch_, plain.n_iter_) == ([], None, 3)


def test_settings_are_searched_in_a_pipeline() -> None:
    pipeline = make_pipeline(PolynomialFeatures(2), NetworkClassifier(epochs=4, random_state=0))
    grid = {
        "networkclassifier__hidden": [(), (8,), [8, 4]],
        "networkclassifier__weight_decay": np.logspace(-2, 0, 2),
        "networkclassifier__batch_size": np.array([16]),
    }
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(*IRIS)
    assert search.best_score_ > 0.6
    assert len(search.cv_results_["params"]) == 6


@pytest.mark.parametrize("estimator", [NetworkClassifier(epochs=2), NetworkRegressor(epochs=2)])
def test_a_pickle_holds_arrays_and_plain_values(estimator: Any) -> None:
    fitted = clone(estimator).set_params(random_state=0).fit(*IRIS)
    held = pickle.dumps(fitted)
    names = [argument for _, argument, _ in pickletools.genops(held) if isinstance(argument, str)]
    assert not [name for name in names if name.split(".")[0] == "torch"]
    again = pickle.loads(held)
    assert (again.predict(IRIS[0]) == fitted.predict(IRIS[0])).all()
    assert again.recipe_ == fitted.recipe_
    assert (clone(again).fit(*IRIS).predict(IRIS[0]) == fitted.predict(IRIS[0])).all()


def test_images_take_the_convolutional_network() -> None:
    draws = np.random.default_rng(0)
    labels = np.arange(60) % 3
    images = draws.integers(0, 60, (60, 12, 12), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[:, 4 * label : 4 * label + 3] += 150
    fitted = NetworkClassifier(preset="lenet", epochs=8, random_state=0).fit(images, labels)
    assert fitted.score(images, labels) > 0.9
    chances = fitted.predict_proba(images)
    assert_same_numbers(fitted.predict_proba((images / 255).astype(np.float32)[..., None]), chances)
    assert (pickle.loads(pickle.dumps(fitted)).predict_proba(images) == chances).all()
    with pytest.raises(ValueError, match="give whole numbers uint8, or 0 to 1"):
        fitted.predict(images.astype(np.float64))
    with pytest.raises(ValueError, match="not \\(1, 12, 12\\) as in fit"):
        fitted.predict(images[:, :, :-1])


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"activation": "rleu"}, "activation = 'rleu' does not fit"),
        ({"hidden": (0,)}, "at least one unit"),
        ({"optimizer": "sgd", "weight_decay": 0.1}, "belongs to the optimizer adamw"),
        ({"preset": "lenet"}, "takes images"),
        ({"preset": "xor"}, "its own training algorithm"),
        ({"batch_size": "many"}, "batch_size = 'many' does not fit"),
        ({"preset": "mpl"}, "did you mean 'mlp'"),
        ({"device": "tpu"}, "no device 'tpu'"),
        ({"loss": "hinge", "label_smoothing": 0.1}, "no label smoothing"),
        ({"learning_rate": 1e30, "schedule": "constant", "optimizer": "sgd"}, "(?i)not a (finite )?number|finite|inf"),
    ],
)
def test_what_does_not_fit_is_said_at_fit(parameters: dict[str, Any], reason: str) -> None:
    estimator = NetworkClassifier(**parameters)
    with pytest.raises(ValueError, match=reason):
        estimator.fit(*IRIS)


def test_one_class_is_refused() -> None:
    with pytest.raises(ValueError, match="only one class"):
        NetworkClassifier().fit(IRIS[0], np.zeros(150))


def test_the_defaults_follow_the_number_of_rows() -> None:
    draws = np.random.default_rng(0)
    few, many = draws.normal(size=(50, 2)), draws.normal(size=(3000, 2))
    small = NetworkRegressor(random_state=0).fit(few, few[:, 0]).recipe_
    large = NetworkRegressor(epochs=1, random_state=0).fit(many, many[:, 0]).recipe_
    assert (small["hidden"], small["weight_decay"], small["validation"]) == ((256,), 3.0, 0.0)
    assert (large["hidden"], large["weight_decay"], large["validation"]) == ((256, 128), 2.0, 0.1)
    assert NetworkRegressor(optimizer="momentum", epochs=1).fit(few, few[:, 0]).recipe_["weight_decay"] == 0.0
    inputs, test = train_test_split(few, random_state=0)
    assert NetworkRegressor(random_state=0).fit(inputs, inputs[:, 0]).score(test, test[:, 0]) > 0.8


def test_scikit_learn_is_not_imported_before_it_is_asked_for() -> None:
    code = "import sys, glasswork; assert not {'sklearn', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
