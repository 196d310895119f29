"""L-BFGS makes the steps of torch's own, and goes on from its state as if nothing had been."""

import torch
from torch import Tensor, nn

from glasswork.training.lbfgs import LBFGS


def valley(point: Tensor) -> Tensor:
    return (100 * (point[1:] - point[:-1] ** 2) ** 2 + (1 - point[:-1]) ** 2).sum()


def descend(ours: LBFGS, steps: int) -> list[float]:
    losses = []
    for _ in range(steps):
        loss = valley(ours.parameter)
        loss.backward()  # type: ignore[no-untyped-call]
        ours.step(0.5)
        losses.append(loss.item())
    return losses


def test_steps_are_those_of_torch() -> None:
    begin = torch.linspace(-0.5, 0.5, 6, dtype=torch.float64)
    mine, theirs = nn.Parameter(begin.clone()), nn.Parameter(begin.clone())
    other = torch.optim.LBFGS([theirs], lr=0.5, max_iter=1, history_size=4)
    losses = descend(LBFGS(mine, 4), 40)
    for loss in losses:
        other.zero_grad()
        value = valley(theirs)
        value.backward()  # type: ignore[no-untyped-call]
        torch.testing.assert_close(value.item(), loss, rtol=1e-6, atol=1e-12)
        other.step(lambda value=value: value)  # type: ignore[arg-type,misc]
    assert losses[-1] < 0.1 * losses[0]


def test_goes_on_from_its_state() -> None:
    whole = LBFGS(nn.Parameter(torch.linspace(-0.5, 0.5, 6)), 3)
    descend(whole, 5)
    later = LBFGS(nn.Parameter(whole.parameter.detach().clone()), 3)
    later.restore(whole.state())
    assert descend(whole, 6) == descend(later, 6)
