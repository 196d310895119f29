"""The lectures' mathematics, one file per operation, as the slide writes it: formula, forward, backward, slide.

It is the oracle of the tests and the words of the explanations. It imports torch and nothing of ours.
"""

from importlib import import_module

from glasswork.textbook.operation import Operation

OPERATIONS = (
    # scores and activations
    "linear",
    "identity",
    "threshold",
    "sigmoid",
    "log_sigmoid",
    "tanh",
    "relu",
    "leaky_relu",
    "elu",
    "softplus",
    "mish",
    "maxout",
    "gelu",
    "silu",
    "hard_sigmoid",
    "hard_swish",
    "softmax",
    "log_softmax",
    # arithmetic
    "add",
    "subtract",
    "multiply",
    "divide",
    "negate",
    "power",
    "exponential",
    "logarithm",
    "log1p",
    "square_root",
    "absolute",
    "sine",
    "cosine",
    "clamp",
    "maximum",
    "minimum",
    "comparison",
    "where",
    "matmul",
    "einsum",
    "sum",
    "cumulative_sum",
    "mean",
    "variance",
    "standard_deviation",
    "norm",
    "normalize",
    "logsumexp",
    "largest",
    "smallest",
    "argmax",
    "argmin",
    # losses and penalties
    "hinge",
    "cross_entropy",
    "negative_log_likelihood",
    "squared_error",
    "binary_cross_entropy",
    "pinball",
    "triplet",
    "l1",
    "l2",
    # images
    "convolution",
    "transposed_convolution",
    "max_pooling",
    "average_pooling",
    "sum_pooling",
    "adaptive_average_pooling",
    "adaptive_max_pooling",
    "batch_normalization",
    "layer_normalization",
    "group_normalization",
    "local_response_normalization",
    "dropout",
    # shapes
    "reshape",
    "permute",
    "select",
    "assign",
    "expand",
    "repeat",
    "flip",
    "roll",
    "pad",
    "concatenate",
    "stack",
    # sequences
    "one_hot",
    "embedding",
    "rnn_step",
    "gru_step",
    "lstm_step",
    "rnn",
    "gru",
    "lstm",
    "attention",
    "multi_head_attention",
)
"""Every operation, by the name of its file; a file is imported when it is asked for."""


def operation(name: str) -> Operation:
    """The operation called `name`.

    Raises:
        KeyError: where there is none.
    """
    if name not in OPERATIONS:
        raise KeyError(f"the textbook has no operation '{name}'")
    found = import_module(f"glasswork.textbook.{name}").OPERATION
    assert isinstance(found, Operation)
    return found
