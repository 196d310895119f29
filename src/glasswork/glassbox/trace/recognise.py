"""Which operation of the textbook a recorded call is: an explicit table by the names of torch's functions.

A reader has the parameters of torch's function; arguments that it does not take mean that the textbook does not have
this use of it, and the operation is shown as unknown.
"""

import inspect
from collections.abc import Callable

from glasswork.glassbox.trace.recorder import Recorded
from glasswork.glassbox.trace.torch_calls import arithmetic, choices, layers, sequences, shapes, statistics
from glasswork.glassbox.trace.torch_calls.known import Known, Reading, WrittenOver
from glasswork.textbook.activations import HardSigmoid, HardSwish, LogSigmoid, Mish, ReLU, Sigmoid, SiLU, Tanh
from glasswork.textbook.arithmetic import Add, Divide, Maximum, Minimum, Multiply, Subtract
from glasswork.textbook.cross_entropy import BinaryCrossEntropy
from glasswork.textbook.functions import (
    Absolute,
    Clamp,
    Cosine,
    Exponential,
    Log1p,
    Logarithm,
    Negate,
    Sine,
    SquareRoot,
)
from glasswork.textbook.losses import Hinge, Pinball, SquaredError
from glasswork.textbook.pooling import AdaptiveAveragePooling, AdaptiveMaxPooling
from glasswork.textbook.recurrence import GRU, LSTM, RNN
from glasswork.textbook.recurrent import GRUStep, LSTMStep, RNNStep
from glasswork.textbook.reductions import Argmax, Argmin, Largest, Mean, Smallest, StandardDeviation, Sum, Variance
from glasswork.textbook.scores import LogSoftmax, Matmul, Softmax
from glasswork.textbook.shapes import Concatenate, Stack

READERS: dict[str, Callable[..., Reading]] = {
    # scores and layers
    "linear": layers.linear,
    "conv1d": layers.convolution,
    "conv2d": layers.convolution,
    "conv3d": layers.convolution,
    "conv_transpose1d": layers.transposed,
    "conv_transpose2d": layers.transposed,
    "max_pool1d": layers.max_pool,
    "max_pool2d": layers.max_pool,
    "avg_pool1d": layers.average_pool,
    "avg_pool2d": layers.average_pool,
    "adaptive_avg_pool1d": layers.adaptive(AdaptiveAveragePooling),
    "adaptive_avg_pool2d": layers.adaptive(AdaptiveAveragePooling),
    "adaptive_max_pool1d": layers.adaptive(AdaptiveMaxPooling),
    "adaptive_max_pool2d": layers.adaptive(AdaptiveMaxPooling),
    "batch_norm": layers.batch_norm,
    "layer_norm": layers.layer_norm,
    "group_norm": layers.group_norm,
    "instance_norm": statistics.instance_norm,
    "local_response_norm": layers.local_response,
    "dropout": layers.dropout,
    "dropout2d": layers.dropout,
    # activations
    "relu": arithmetic.pointwise(ReLU()),
    "sigmoid": arithmetic.pointwise(Sigmoid()),
    "log_sigmoid": arithmetic.pointwise(LogSigmoid()),
    "logsigmoid": arithmetic.pointwise(LogSigmoid()),
    "tanh": arithmetic.pointwise(Tanh()),
    "silu": arithmetic.pointwise(SiLU()),
    "hardsigmoid": arithmetic.pointwise(HardSigmoid()),
    "hardswish": arithmetic.pointwise(HardSwish()),
    "relu6": arithmetic.pointwise(Clamp(0.0, 6.0)),
    "hardtanh": arithmetic.hardtanh,
    "leaky_relu": arithmetic.leaky_relu,
    "elu": arithmetic.elu,
    "gelu": arithmetic.gelu,
    "softplus": arithmetic.softplus,
    "mish": arithmetic.pointwise(Mish()),
    "softmax": arithmetic.softmax(Softmax),
    "log_softmax": arithmetic.softmax(LogSoftmax),
    # arithmetic
    "add": arithmetic.scaled(Add),
    "radd": arithmetic.scaled(Add, swapped=True),
    "sub": arithmetic.scaled(Subtract),
    "subtract": arithmetic.scaled(Subtract),
    "rsub": arithmetic.scaled(Subtract, swapped=True),
    "mul": arithmetic.two(Multiply()),
    "multiply": arithmetic.two(Multiply()),
    "rmul": arithmetic.two(Multiply(), swapped=True),
    "div": arithmetic.divide,
    "divide": arithmetic.divide,
    "truediv": arithmetic.divide,
    "true_divide": arithmetic.divide,
    "rtruediv": arithmetic.two(Divide(), swapped=True),
    "rdiv": arithmetic.two(Divide(), swapped=True),
    "matmul": arithmetic.two(Matmul()),
    "rmatmul": arithmetic.two(Matmul(), swapped=True),
    "mm": arithmetic.two(Matmul()),
    "bmm": arithmetic.two(Matmul()),
    "einsum": arithmetic.einsum,
    "neg": arithmetic.pointwise(Negate()),
    "exp": arithmetic.pointwise(Exponential()),
    "log": arithmetic.pointwise(Logarithm()),
    "log1p": arithmetic.pointwise(Log1p()),
    "sqrt": arithmetic.pointwise(SquareRoot()),
    "rsqrt": arithmetic.reciprocal_root,
    "abs": arithmetic.pointwise(Absolute()),
    "sin": arithmetic.pointwise(Sine()),
    "cos": arithmetic.pointwise(Cosine()),
    "pow": arithmetic.power,
    "square": arithmetic.square,
    "clamp": arithmetic.clamp,
    "maximum": arithmetic.two(Maximum()),
    "minimum": arithmetic.two(Minimum()),
    "sum": arithmetic.reduced(Sum),
    "mean": arithmetic.reduced(Mean),
    "norm": arithmetic.norm,
    # statistics
    "max": statistics.extreme(Maximum(), Largest, Argmax),
    "min": statistics.extreme(Minimum(), Smallest, Argmin),
    "amax": statistics.extreme_value(Largest),
    "amin": statistics.extreme_value(Smallest),
    "argmax": statistics.extreme_place(Argmax),
    "argmin": statistics.extreme_place(Argmin),
    "var": statistics.spread(Variance),
    "std": statistics.spread(StandardDeviation),
    "cumsum": statistics.cumulative_sum,
    "logsumexp": statistics.logsumexp,
    "normalize": statistics.normalize,
    # conditions
    "gt": choices.comparison(">"),
    "greater": choices.comparison(">"),
    "lt": choices.comparison("<"),
    "less": choices.comparison("<"),
    "ge": choices.comparison(">="),
    "greater_equal": choices.comparison(">="),
    "le": choices.comparison("<="),
    "less_equal": choices.comparison("<="),
    "eq": choices.comparison("=="),
    "ne": choices.comparison("!="),
    "not_equal": choices.comparison("!="),
    "invert": choices.inverted,
    "logical_not": choices.inverted,
    "and": choices.both(Multiply()),
    "logical_and": choices.both(Multiply()),
    "or": choices.both(Maximum()),
    "logical_or": choices.both(Maximum()),
    "all": choices.quantified(Smallest),
    "any": choices.quantified(Largest),
    "where": choices.where,
    "masked_fill": choices.masked_fill,
    "tril": choices.triangle(lower=True),
    "triu": choices.triangle(lower=False),
    "setitem": choices.setitem,
    # losses
    "cross_entropy": arithmetic.cross_entropy,
    "nll_loss": arithmetic.negative_log_likelihood,
    "mse_loss": arithmetic.mean_squared_error,
    "binary_cross_entropy_with_logits": arithmetic.binary_cross_entropy,
    "hinge loss": arithmetic.own_loss(Hinge("mean")),
    "squared error": arithmetic.own_loss(SquaredError("examples")),
    "pinball loss": arithmetic.own_loss(Pinball()),
    "binary cross-entropy": arithmetic.own_loss(BinaryCrossEntropy("examples")),
    # shapes
    "flatten": shapes.reshape,
    "reshape": shapes.reshape,
    "view": shapes.reshape,
    "view_as": shapes.reshape,
    "reshape_as": shapes.reshape,
    "unflatten": shapes.reshape,
    "squeeze": shapes.reshape,
    "unsqueeze": shapes.reshape,
    "transpose": shapes.transpose,
    "swapaxes": shapes.transpose,
    "permute": shapes.permute,
    "t": shapes.turned,
    "T": shapes.turned,
    "mT": shapes.last_two,
    "getitem": shapes.getitem,
    "select": shapes.select,
    "narrow": shapes.narrow,
    "chunk": shapes.pieces,
    "split": shapes.pieces,
    "unbind": shapes.unbind,
    "expand": shapes.expand,
    "expand_as": shapes.expand,
    "broadcast_to": shapes.expand,
    "repeat": shapes.repeat,
    "tile": shapes.tile,
    "flip": shapes.flip,
    "roll": shapes.roll,
    "pad": shapes.pad,
    "cat": shapes.joined(Concatenate),
    "concat": shapes.joined(Concatenate),
    "concatenate": shapes.joined(Concatenate),
    "stack": shapes.joined(Stack),
    # the same numbers again
    "clone": arithmetic.same,
    "contiguous": arithmetic.same,
    "to": arithmetic.same,
    "float": arithmetic.same,
    "cpu": arithmetic.same,
    "positive": arithmetic.same,
    # sequences
    "one_hot": sequences.one_hot,
    "embedding": sequences.embedding,
    "scaled_dot_product_attention": sequences.attention,
    "multi_head_attention_forward": sequences.multi_head,
    "rnn_tanh": sequences.recurrent(RNN(nonlinearity="tanh")),
    "rnn_relu": sequences.recurrent(RNN(nonlinearity="relu")),
    "gru": sequences.recurrent(GRU()),
    "lstm": sequences.recurrent(LSTM()),
    "rnn_tanh_cell": sequences.cell(RNNStep(nonlinearity="tanh")),
    "rnn_relu_cell": sequences.cell(RNNStep(nonlinearity="relu")),
    "gru_cell": sequences.cell(GRUStep()),
    "lstm_cell": sequences.cell(LSTMStep()),
}


def known_as(entry: Recorded) -> tuple[Known, ...]:
    """What a recorded call is in the textbook: one operation, or one for each of its outputs; empty where unknown."""
    reader = READERS.get(entry.name) or READERS.get(_plain_name(entry.name))
    if reader is None:
        return ()
    try:
        bound = inspect.signature(reader).bind(entry, *entry.arguments, **entry.options)
    except TypeError:  # a use that the reader does not take
        return ()
    try:
        found = reader(*bound.args, **bound.kwargs)
    except WrittenOver:
        return ()
    if found is None:
        return ()
    return (found,) if isinstance(found, Known) else tuple(found)


def _plain_name(name: str) -> str:
    """`add` for `__add__`, `add_` and `__iadd__`; the arithmetic in place is the same."""
    bare = name.strip("_")
    return bare.removeprefix("i") if name.startswith("__i") and bare not in READERS else bare
