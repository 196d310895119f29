"""Recurrent cells in charts: what they are called, and a colour for each that is the same on every page."""

NAMES = {"rnn": "RNN", "relu-rnn": "ReLU-RNN", "gru": "GRU", "lstm": "LSTM"}
STYLE = """
:root { --rnn: #b23a2a; --relu-rnn: #b26a1b; --gru: #5b8a3a; --lstm: #1f5c99; }
@media (prefers-color-scheme: dark) {
  :root { --rnn: #ec8a79; --relu-rnn: #dda15e; --gru: #a3c982; --lstm: #7fb2e5; }
}
""" + "".join(
    f".chart .line.{cell} {{ stroke: var(--{cell}); }} .chart .dot.{cell} {{ fill: var(--{cell}); }}\n"
    for cell in NAMES
)
