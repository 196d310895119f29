"""LeNet-5 in Keras 3, and our schedule for it; to be imported after the backend is chosen."""

import math

import keras
from keras import layers, ops


def make_lenet() -> keras.Sequential:
    """LeNet-5 (6, 16, 120, 84, 10) with ReLU and 2x2 max pooling: 61,706 parameters."""
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(6, 5, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(16, 5, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(120, activation="relu"),
            layers.Dense(84, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


@keras.saving.register_keras_serializable()
class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """`torch.optim.lr_scheduler.OneCycleLR` with its defaults: up over 30 % of the steps, then down."""

    def __init__(self, peak: float, steps: int):
        self.peak, self.steps = peak, steps

    def __call__(self, step: object) -> object:
        """The learning rate of this step."""
        start, turn, last = self.peak / 25, 0.3 * self.steps - 1, self.steps - 1
        step = ops.cast(step, "float32")
        up = self._cosine(start, self.peak, step / turn)
        down = self._cosine(self.peak, start / 1e4, (step - turn) / (last - turn))
        return ops.where(step < turn, up, down)

    def _cosine(self, begin: float, end: float, progress: object) -> object:
        return end + (begin - end) / 2 * (1 + ops.cos(math.pi * progress))

    def get_config(self) -> dict[str, float]:
        """What Keras saves of the schedule."""
        return {"peak": self.peak, "steps": self.steps}
