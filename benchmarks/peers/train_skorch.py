"""LeNet-5 on Fashion-MNIST with skorch, the way of its MNIST notebook: arrays into NeuralNetClassifier.fit."""

import math

import torch
from clock import EpochClock, read_arguments
from fashion_mnist import read_arrays
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback, LRScheduler
from torch.optim.lr_scheduler import OneCycleLR
from torch_lenet import LeNetProbabilities


def main() -> None:
    arguments = read_arguments(__doc__)
    clock = EpochClock(arguments)
    torch.manual_seed(arguments.seed)

    images, targets, test_images, test_targets = read_arrays(arguments.data)
    images, test_images = (array.astype("float32")[:, None] / 255.0 for array in (images, test_images))
    targets, test_targets = targets.astype("int64"), test_targets.astype("int64")

    class ReadOff(Callback):
        """Reads the clock at the end of every epoch; stops the way skorch's own EarlyStopping does."""

        def on_epoch_end(self, net: NeuralNetClassifier, **kwargs: object) -> None:
            """Called by skorch after training and validation."""
            if clock.epoch_ended(
                len(net.history),
                save=lambda: net.save_params(f_params=arguments.save / "lenet_skorch.pt"),
                evaluate=lambda: net.score(test_images, test_targets),
            ):
                raise KeyboardInterrupt

    if arguments.schedule == "one-cycle":
        steps = arguments.epochs * math.ceil(len(images) / arguments.batch)
        cycle = {"policy": OneCycleLR, "max_lr": arguments.peak, "total_steps": steps, "cycle_momentum": False}
        settings = {
            "optimizer": torch.optim.AdamW,
            "lr": arguments.peak,
            "train_split": None,
            "iterator_train__shuffle": True,
            "callbacks": [LRScheduler(step_every="batch", **cycle), ReadOff()],
        }
    else:
        settings = {"optimizer": torch.optim.Adam, "lr": 0.002, "callbacks": [ReadOff()]}

    net = NeuralNetClassifier(
        LeNetProbabilities, max_epochs=arguments.epochs, batch_size=arguments.batch, verbose=0, **settings
    )
    net.fit(images, targets)


if __name__ == "__main__":
    main()
