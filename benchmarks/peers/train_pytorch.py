"""LeNet-5 on Fashion-MNIST the way of the plain PyTorch example (github.com/pytorch/examples, mnist/main.py)."""

import tempfile
from pathlib import Path

import torch
import torch.nn.functional as F
from clock import EpochClock, read_arguments
from fashion_mnist import unpack_for_torchvision
from torch import optim
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader
from torch_lenet import DEVIATION, MEAN, LeNet, one_cycle
from torchvision import datasets, transforms


def accuracy(model: torch.nn.Module, loader: DataLoader) -> float:
    model.eval()
    correct = 0
    with torch.no_grad():
        for images, targets in loader:
            correct += (model(images).argmax(dim=1) == targets).sum().item()
    return correct / len(loader.dataset)


def main() -> None:
    arguments = read_arguments(__doc__)
    clock = EpochClock(arguments)
    torch.manual_seed(arguments.seed)

    with tempfile.TemporaryDirectory() as folder:
        with clock.set_aside():
            root = unpack_for_torchvision(arguments.data, Path(folder))
        transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((MEAN,), (DEVIATION,))])
        training = datasets.FashionMNIST(root, train=True, transform=transform)
        test = datasets.FashionMNIST(root, train=False, transform=transform)
    training_loader = DataLoader(training, batch_size=arguments.batch, shuffle=True)
    test_loader = DataLoader(test, batch_size=1000)

    model = LeNet()
    per_batch = arguments.schedule == "one-cycle"
    if per_batch:
        optimizer, scheduler = one_cycle(model.parameters(), arguments.peak, arguments.epochs * len(training_loader))
    else:
        optimizer = optim.Adadelta(model.parameters(), lr=1.0)
        scheduler = StepLR(optimizer, step_size=1, gamma=0.7)

    for epoch in range(1, arguments.epochs + 1):
        model.train()
        for images, targets in training_loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(images), targets)
            loss.backward()
            optimizer.step()
            if per_batch:
                scheduler.step()
        if not per_batch:
            scheduler.step()
        if clock.epoch_ended(
            epoch,
            save=lambda: torch.save(model.state_dict(), arguments.save / "lenet_pytorch.pt"),
            evaluate=lambda: accuracy(model, test_loader),
        ):
            break


if __name__ == "__main__":
    main()
