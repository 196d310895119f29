"""The character model with Keras 3 on JAX: two stateful LSTM layers of 256 units, batch 64, sequences of 100.

python train_characters_keras.py FILE WARM_UP STEPS SEED
"""

import json
import os
import sys
import time
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"
import keras
import numpy as np

UNITS, LANES, TIMES = 256, 64, 100


def main() -> None:
    path, warm_up, steps, seed = sys.argv[1], *map(int, sys.argv[2:])
    keras.utils.set_random_seed(seed)
    text = Path(path).read_text(encoding="utf-8")
    numbers = {character: number for number, character in enumerate(sorted(set(text)))}
    tokens = np.array([numbers[character] for character in text])
    length = len(tokens) // LANES
    lanes = tokens[: LANES * length].reshape(LANES, length)
    model = keras.Sequential(
        [
            keras.Input(batch_shape=(LANES, TIMES), dtype="int32"),
            keras.layers.CategoryEncoding(len(numbers), "one_hot"),
            keras.layers.LSTM(UNITS, return_sequences=True, stateful=True),
            keras.layers.LSTM(UNITS, return_sequences=True, stateful=True),
            keras.layers.Dense(len(numbers)),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(0.002, clipnorm=1.0), loss=loss)
    losses, place, began = [], 0, 0.0
    for step in range(warm_up + steps):
        if step == warm_up:
            began = time.perf_counter()
        if place + TIMES >= length:
            place = 0
        inputs, targets = lanes[:, place : place + TIMES], lanes[:, place + 1 : place + TIMES + 1]
        place += TIMES
        model.reset_metrics()  # else the loss is a mean over all steps
        losses.append(float(model.train_on_batch(inputs, targets)))
    seconds = time.perf_counter() - began
    print(json.dumps({"speed": steps * LANES * TIMES / seconds, "loss": float(np.mean(losses[-50:]))}))


if __name__ == "__main__":
    main()
