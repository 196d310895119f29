"""The same command gives the same weights, whatever the hash seed, the locale, the cache or the load."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_presets_end_the_same_under_differing_conditions() -> None:
    words = [sys.executable, "-m", "tests.repeat", "--times", "2", "--presets", "lenet", "char-rnn", "tagger"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 of 3 presets are the same in all 2 times" in done.stdout
