"""Recurrent cells in tables and charts: what they are called, and a colour for each that is the same on every page."""

from glasswork.report.blocks import Hue

NAMES = {"rnn": "RNN", "relu-rnn": "ReLU-RNN", "gru": "GRU", "lstm": "LSTM"}
HUES: dict[str, Hue] = {"rnn": "fourth", "relu-rnn": "second", "gru": "third", "lstm": "first"}
