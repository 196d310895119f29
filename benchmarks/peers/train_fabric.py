"""LeNet-5 on Fashion-MNIST with Lightning Fabric, the way of its example (examples/fabric/image_classifier)."""

import tempfile
from pathlib import Path

import torch
import torch.nn.functional as F
from clock import EpochClock, read_arguments
from fashion_mnist import unpack_for_torchvision
from lightning.fabric import Fabric, seed_everything
from torch import optim
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader
from torch_lenet import DEVIATION, MEAN, LeNet, one_cycle
from torchmetrics.classification import Accuracy
from torchvision import datasets, transforms


def main() -> None:
    arguments = read_arguments(__doc__)
    clock = EpochClock(arguments)
    fabric = Fabric()
    seed_everything(arguments.seed, verbose=False)

    with tempfile.TemporaryDirectory() as folder:
        with clock.set_aside():
            root = unpack_for_torchvision(arguments.data, Path(folder))
        transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((MEAN,), (DEVIATION,))])
        training = datasets.FashionMNIST(root, train=True, transform=transform)
        test = datasets.FashionMNIST(root, train=False, transform=transform)
    training_loader, test_loader = fabric.setup_dataloaders(
        DataLoader(training, batch_size=arguments.batch, shuffle=True), DataLoader(test, batch_size=1000)
    )

    model = LeNet()
    per_batch = arguments.schedule == "one-cycle"
    if per_batch:
        optimizer, scheduler = one_cycle(model.parameters(), arguments.peak, arguments.epochs * len(training_loader))
    else:
        optimizer = optim.Adadelta(model.parameters(), lr=1.0)
        scheduler = StepLR(optimizer, step_size=1, gamma=0.7)
    model, optimizer = fabric.setup(model, optimizer)
    metric = Accuracy(task="multiclass", num_classes=10).to(fabric.device)

    def accuracy() -> float:
        model.eval()
        metric.reset()
        with torch.no_grad():
            for images, targets in test_loader:
                metric(model(images), targets)
        return metric.compute().item()

    for epoch in range(1, arguments.epochs + 1):
        model.train()
        for images, targets in training_loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(images), targets)
            fabric.backward(loss)
            optimizer.step()
            if per_batch:
                scheduler.step()
        if not per_batch:
            scheduler.step()
        if clock.epoch_ended(
            epoch,
            save=lambda: fabric.save(arguments.save / "lenet_fabric.ckpt", {"model": model}),
            evaluate=accuracy,
        ):
            break


if __name__ == "__main__":
    main()
