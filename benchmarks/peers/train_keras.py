"""LeNet-5 on Fashion-MNIST with Keras 3, the way of its guide "Simple MNIST convnet" (keras.io/examples/vision)."""

import math
import os
import tempfile
from pathlib import Path

from clock import EpochClock, read_arguments
from fashion_mnist import link_for_keras


def main() -> None:
    arguments = read_arguments(__doc__)
    clock = EpochClock(arguments)
    home = tempfile.TemporaryDirectory()
    os.environ["KERAS_BACKEND"] = arguments.backend
    os.environ["KERAS_HOME"] = str(link_for_keras(arguments.data, Path(home.name)))
    import keras  # reads both variables when it is imported
    from keras_lenet import OneCycle, make_lenet

    keras.utils.set_random_seed(arguments.seed)
    (images, targets), (test_images, test_targets) = keras.datasets.fashion_mnist.load_data()
    images, test_images = (array.astype("float32")[..., None] / 255 for array in (images, test_images))
    targets, test_targets = (keras.utils.to_categorical(array, 10) for array in (targets, test_targets))

    model = make_lenet()

    class ReadOff(keras.callbacks.Callback):
        """Reads the clock at the end of every epoch."""

        def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
            """Called by Keras after training and validation."""
            if clock.epoch_ended(
                epoch + 1,
                save=lambda: self.model.save(arguments.save / "lenet.keras"),
                evaluate=lambda: self.model.evaluate(test_images, test_targets, verbose=0)[1],
            ):
                self.model.stop_training = True

    if arguments.schedule == "one-cycle":
        steps = arguments.epochs * math.ceil(len(images) / arguments.batch)
        optimizer = keras.optimizers.AdamW(OneCycle(arguments.peak, steps), weight_decay=0.01)
        held_back = 0.0
    else:
        optimizer, held_back = "adam", 0.1
    model.compile(loss="categorical_crossentropy", optimizer=optimizer, metrics=["accuracy"])
    model.fit(
        images,
        targets,
        batch_size=arguments.batch,
        epochs=arguments.epochs,
        validation_split=held_back,
        callbacks=[ReadOff()],
        verbose=0,
    )


if __name__ == "__main__":
    main()
