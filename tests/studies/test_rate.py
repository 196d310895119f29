"""The range test on curves whose answer is known, and on a network."""

import math
from itertools import pairwise
from pathlib import Path

import pytest

from glasswork.cli import main
from glasswork.run.request import make_request
from glasswork.studies.rate import rate_test, smooth, suggest
from made_data import mistake, said, write_table

Captured = pytest.CaptureFixture[str]
RATES = [10 ** (-6 + 7 * k / 139) for k in range(140)]


def test_the_rates_of_a_curve_with_known_answer() -> None:
    """1 - sin over a decade and a half: steepest in the middle, least at its end."""

    def loss(rate: float) -> float:
        place = (math.log10(rate) + 3) / 1.5
        return 2.0 if place < -1 else 8.0 * (place - 1) if place > 1 else 1 - math.sin(math.pi / 2 * place)

    losses = [loss(rate) for rate in RATES]
    steepest, least, suggested = suggest(RATES, losses, "one-cycle")
    assert steepest is not None and math.isclose(math.log10(steepest), -3, abs_tol=0.06)
    assert math.isclose(math.log10(least), -1.5, abs_tol=0.06)
    assert suggested is not None and math.isclose(suggested, least / 2, rel_tol=0.05)
    assert suggest(RATES, losses, "constant")[2] == pytest.approx(least / 10, rel=0.05)


def test_a_loss_that_never_falls_suggests_nothing() -> None:
    assert suggest(RATES, [1.0 + k for k in range(140)], "constant") == (None, RATES[0], None)


def test_smoothing_keeps_a_line_and_calms_noise() -> None:
    assert smooth(RATES, [3.0] * 140) == pytest.approx([3.0] * 140)
    noise = smooth(RATES, [(-1.0) ** k for k in range(140)])
    assert max(map(abs, noise[20:-20])) < 0.05


def test_a_network(tmp_path: Path, capsys: Captured) -> None:
    data = str(write_table(tmp_path / "data.csv", "class", 80))
    found = rate_test(make_request("mlp", {"data": data, "threads": 1, "hidden": "16"}))
    rates = [point.rate for point in found.points]
    assert rates == sorted(rates)
    assert rates[0] == pytest.approx(1e-6)
    factors = [later / before for before, later in pairwise(rates)]
    assert factors == pytest.approx([factors[0]] * len(factors))
    assert found.suggested is not None and 1e-4 < found.suggested < 1
    assert found.steepest is not None and found.steepest < found.least
    assert [one.batch_size for one in found.speeds] == [16, 32]
    words = ["rate", "mlp", "--data", data, "--threads", "1", "--hidden", "16"]
    assert main([*words, "--json"]) == 0
    told = said(capsys)
    assert [told[key] for key in ("suggested", "least", "exploded")] == [found.suggested, found.least, found.exploded]
    assert main([*words, "--out", "rates.html"]) == 0
    printed = capsys.readouterr().out
    assert "The loss falls fastest at" in printed
    assert f"--learning-rate {found.suggested:g}" in printed
    assert "examples per second" in printed
    page = Path("rates.html").read_text(encoding="utf-8")
    assert "Loss against rate" in page and "learning rate</text>" in page and "steepest" in page
    assert not Path("runs").exists()
    assert main(["train", *printed.split("glasswork train ")[1].split(), "--epochs", "1", "--threads", "1"]) == 0


def test_the_schedule_decides_what_is_suggested(tmp_path: Path) -> None:
    data = str(write_table(tmp_path / "data.csv", "number", 80))
    found = rate_test(make_request("linear", {"data": data, "threads": 1, "schedule": "constant"}))
    assert found.suggested == float(f"{max(found.steepest or 0, found.least / 10):.2g}")


def test_the_online_rule_has_none(capsys: Captured) -> None:
    assert "use glasswork rate mlp" in mistake(capsys, "rate", "xor")
