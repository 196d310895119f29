"""The lectures' mathematics in chapters, each operation as the slide writes it: formula, forward, backward, slide.

It is the oracle of the tests and the words of the explanations. It imports torch and nothing of ours.
"""

from importlib import import_module
from typing import Any

from glasswork.textbook.operation import Operation

OPERATIONS = {
    # scores and activations
    "linear": "scores.Linear",
    "identity": "activations.Identity",
    "stop_gradient": "activations.StopGradient",
    "threshold": "activations.Threshold",
    "sigmoid": "activations.Sigmoid",
    "log_sigmoid": "activations.LogSigmoid",
    "tanh": "activations.Tanh",
    "relu": "activations.ReLU",
    "leaky_relu": "activations.LeakyReLU",
    "elu": "activations.ELU",
    "celu": "activations.CELU",
    "selu": "activations.SELU",
    "prelu": "activations.PReLU",
    "glu": "activations.GLU",
    "softsign": "activations.Softsign",
    "softplus": "activations.Softplus",
    "mish": "activations.Mish",
    "maxout": "scores.Maxout",
    "gelu": "activations.GELU",
    "silu": "activations.SiLU",
    "hard_sigmoid": "activations.HardSigmoid",
    "hard_swish": "activations.HardSwish",
    "softmax": "scores.Softmax",
    "log_softmax": "scores.LogSoftmax",
    # arithmetic
    "add": "arithmetic.Add",
    "subtract": "arithmetic.Subtract",
    "multiply": "arithmetic.Multiply",
    "divide": "arithmetic.Divide",
    "negate": "arithmetic.Negate",
    "power": "arithmetic.Power",
    "exponential": "arithmetic.Exponential",
    "logarithm": "arithmetic.Logarithm",
    "log1p": "arithmetic.Log1p",
    "square_root": "arithmetic.SquareRoot",
    "absolute": "arithmetic.Absolute",
    "sine": "arithmetic.Sine",
    "cosine": "arithmetic.Cosine",
    "clamp": "arithmetic.Clamp",
    "maximum": "arithmetic.Maximum",
    "minimum": "arithmetic.Minimum",
    "comparison": "arithmetic.Comparison",
    "where": "arithmetic.Where",
    "matmul": "scores.Matmul",
    "einsum": "scores.Einsum",
    "sum": "reductions.Sum",
    "cumulative_sum": "reductions.CumulativeSum",
    "mean": "reductions.Mean",
    "variance": "reductions.Variance",
    "standard_deviation": "reductions.StandardDeviation",
    "norm": "reductions.Norm",
    "normalize": "normalization.Normalize",
    "logsumexp": "reductions.LogSumExp",
    "largest": "reductions.Largest",
    "smallest": "reductions.Smallest",
    "argmax": "reductions.Argmax",
    "argmin": "reductions.Argmin",
    # losses and penalties
    "hinge": "losses.Hinge",
    "cross_entropy": "cross_entropy.CrossEntropy",
    "negative_log_likelihood": "cross_entropy.NegativeLogLikelihood",
    "squared_error": "losses.SquaredError",
    "absolute_error": "losses.AbsoluteError",
    "huber": "losses.Huber",
    "binary_cross_entropy": "cross_entropy.BinaryCrossEntropy",
    "pinball": "losses.Pinball",
    "triplet": "losses.Triplet",
    "l1": "losses.L1",
    "l2": "losses.L2",
    # images
    "convolution": "convolution.Convolution",
    "transposed_convolution": "convolution.TransposedConvolution",
    "max_pooling": "pooling.MaxPooling",
    "average_pooling": "pooling.AveragePooling",
    "sum_pooling": "pooling.SumPooling",
    "adaptive_average_pooling": "pooling.AdaptiveAveragePooling",
    "adaptive_max_pooling": "pooling.AdaptiveMaxPooling",
    "batch_normalization": "normalization.BatchNormalization",
    "layer_normalization": "normalization.LayerNormalization",
    "group_normalization": "normalization.GroupNormalization",
    "local_response_normalization": "normalization.LocalResponseNormalization",
    "dropout": "activations.Dropout",
    # shapes
    "reshape": "shapes.Reshape",
    "permute": "shapes.Permute",
    "select": "shapes.Select",
    "assign": "shapes.Assign",
    "expand": "shapes.Expand",
    "repeat": "shapes.Repeat",
    "flip": "shapes.Flip",
    "roll": "shapes.Roll",
    "pad": "shapes.Pad",
    "concatenate": "shapes.Concatenate",
    "stack": "shapes.Stack",
    # sequences
    "one_hot": "shapes.OneHot",
    "embedding": "shapes.Embedding",
    "rnn_step": "recurrent.RNNStep",
    "gru_step": "recurrent.GRUStep",
    "lstm_step": "recurrent.LSTMStep",
    "rnn": "recurrent.RNN",
    "gru": "recurrent.GRU",
    "lstm": "recurrent.LSTM",
    "attention": "attention.Attention",
    "multi_head_attention": "attention.MultiHeadAttention",
}
"""Every operation: its chapter and class by its name. A chapter is imported when an operation of it is asked for."""


def find_operation(name: str) -> type[Operation]:
    """The class of the operation called `name`.

    Raises:
        KeyError: no operation has this name.
    """
    if name not in OPERATIONS:
        raise KeyError(f"the textbook has no operation '{name}'")
    chapter, _, wanted = OPERATIONS[name].partition(".")
    found = getattr(import_module(f"glasswork.textbook.{chapter}"), wanted)
    assert isinstance(found, type) and issubclass(found, Operation)
    return found


def operation(name: str, **settings: Any) -> Operation:
    """The operation called `name` with these settings, such as `operation("max_pooling", kernel=2)`.

    Raises:
        KeyError: no operation has this name.
        TypeError: it does not have these settings, or one that it needs is missing.
    """
    return find_operation(name)(**settings)
