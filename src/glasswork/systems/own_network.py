"""The user's own network: `file.py:Class`."""

import inspect

import torch
from torch import nn

from glasswork.data.kinds.task import Task
from glasswork.errors import GlassworkError
from glasswork.own_code import import_named


def load_own_network(word: str, task: Task) -> nn.Module:
    """Makes the network that `file.py:Class` names.

    The class is called with those of its parameters that are named `shape`, `channels`, `features`, `outputs` or
    `classes`; all others need defaults.

    Raises:
        GlassworkError: where there is no such file or class, or it cannot be made.
    """
    if word.startswith("module:"):
        raise GlassworkError(f"The network is a module object ({word[7:]}) that only Python knows: pass network=...")
    file, colon, name = word.rpartition(":")
    if not colon or not file.endswith(".py"):
        raise GlassworkError(
            f"There is no network '{word}': use linear, dense, lenet, or your own class as file.py:Class"
        )
    factory = import_named(word, "network")
    if not callable(factory):
        raise GlassworkError(f"{file} has no class '{name}'")
    known = {
        "shape": task.inputs.shape,
        "channels": task.inputs.shape[0] if task.inputs.shape else 1,
        "features": int(torch.tensor(task.inputs.shape).prod()),
        "outputs": len(task.target.names),
        "classes": len(task.target.names),
    }
    wanted = inspect.signature(factory).parameters
    try:
        network = factory(**{key: value for key, value in known.items() if key in wanted})
    except Exception as error:
        raise GlassworkError(f"{word} cannot be made: {type(error).__name__}: {error}") from error
    if not isinstance(network, nn.Module):
        raise GlassworkError(f"{word} makes a {type(network).__name__}, not a torch.nn.Module")
    return network


def check_outputs(network: nn.Module, task: Task) -> None:
    """Runs one forward pass and refuses a network whose outputs do not fit the targets.

    Raises:
        GlassworkError: naming the shapes.
    """
    training = network.training
    network.eval()
    try:
        with torch.no_grad():
            outputs = network(task.inputs.zeros(2))
    except GlassworkError:
        raise
    except Exception as error:
        raise GlassworkError(
            f"The network does not take inputs of shape {tuple(task.inputs.shape)}: {str(error).splitlines()[0]}"
        ) from error
    finally:
        network.train(training)
    needed = task.target.output_shape(2)
    if not isinstance(outputs, torch.Tensor) or tuple(outputs.shape) != needed:
        shape = tuple(outputs.shape) if isinstance(outputs, torch.Tensor) else type(outputs).__name__
        raise GlassworkError(
            f"The network answers two inputs with {shape}, and these targets need {needed}: "
            f"one output for each of {', '.join(task.target.names[:5])}{' ...' if len(task.target.names) > 5 else ''}"
        )
